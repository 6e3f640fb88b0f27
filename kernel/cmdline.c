/* SPDX-License-Identifier: MIT */
/*
 * cmdline.c - the kernel command line: key=value words between blanks, and nothing else.
 *
 * It is strict because a measurement whose option was misspelt is worse than none:
 * whatever is not understood stops the boot, with the word and what would have been valid.
 */
#include "kernel/cmdline.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/lib/format.h"
#include "kernel/lib/probe.h"
#include "kernel/lib/string.h"
#include "mm/layout.h"

#define VALUE_MAX	64		/* the longest value with its NUL; inject= has it */
#define LIST_MAX	1024		/* what a message lists: inject= has the most */

struct message {
	char *buf;
	size_t len;
};

struct key {
	const char *name;
	bool (*set)(struct cmdline *c, const char *value, struct message *m);
};

static bool set_entry(struct cmdline *c, const char *value, struct message *m);
static bool set_tests(struct cmdline *c, const char *value, struct message *m);
static bool set_bench(struct cmdline *c, const char *value, struct message *m);
static bool set_run(struct cmdline *c, const char *value, struct message *m);
static bool set_seed(struct cmdline *c, const char *value, struct message *m);
static bool set_cpus(struct cmdline *c, const char *value, struct message *m);
static bool set_pcid(struct cmdline *c, const char *value, struct message *m);
static bool set_inject(struct cmdline *c, const char *value, struct message *m);

static const struct key keys[] = {
	{ "entry", set_entry },	  { "tests", set_tests }, { "bench", set_bench },
	{ "run", set_run },	  { "cpus", set_cpus },	  { "pcid", set_pcid },
	{ "seed", set_seed },	  { "inject", set_inject },
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static bool set_entry(struct cmdline *c, const char *value, struct message *m)
{
	char list[LIST_MAX];
	size_t used = 0;

	list[0] = '\0';
	for (unsigned i = 0; i < entry_design_count(); i++) {
		const char *name = entry_design_at(i)->name;

		if (!strcmp(name, value)) {
			c->entry = entry_design_at(i);
			return true;
		}
		if (used < sizeof(list))
			used += snprintk(list + used, sizeof(list) - used, " %s", name);
	}
	snprintk(m->buf, m->len, "entry=%s: no such entry design; valid:%s", value, list);
	return false;
}

/* Whether a test or benchmark of that name exists is for the program that runs it to say. */
static bool set_name(char *dst, size_t size, const char *key, const char *value, struct message *m)
{
	size_t n;

	for (n = 0; value[n]; n++) {
		char ch = value[n];

		if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '_' ||
		      ch == '-'))
			break;
	}
	if (value[n] || n >= size) {
		snprintk(m->buf, m->len,
			 "%s=%s: valid: a name of at most %zu characters from a-z 0-9 _ -", key,
			 value, size - 1);
		return false;
	}
	memcpy(dst, value, n + 1);
	return true;
}

static bool set_tests(struct cmdline *c, const char *value, struct message *m)
{
	return set_name(c->tests, sizeof(c->tests), "tests", value, m);
}

static bool set_bench(struct cmdline *c, const char *value, struct message *m)
{
	return set_name(c->bench, sizeof(c->bench), "bench", value, m);
}

static bool set_run(struct cmdline *c, const char *value, struct message *m)
{
	return set_name(c->run, sizeof(c->run), "run", value, m);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static bool parse_u64(const char *s, uint64_t *value)
{
	unsigned base = s[0] == '0' && (s[1] == 'x' || s[1] == 'X') ? 16 : 10;
	uint64_t v = 0;

	if (base == 16)
		s += 2;
	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned d = digit(*s);

		if (d >= base || v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	*value = v;
	return true;
}

static bool set_seed(struct cmdline *c, const char *value, struct message *m)
{
	if (parse_u64(value, &c->seed))
		return true;
	snprintk(m->buf, m->len, "seed=%s: valid: a 64-bit number, decimal or 0x and hexadecimal",
		 value);
	return false;
}

static bool set_cpus(struct cmdline *c, const char *value, struct message *m)
{
	uint64_t n;

	if (parse_u64(value, &n) && n >= 1 && n <= MAX_CPUS) {
		c->cpus = n;
		return true;
	}
	snprintk(m->buf, m->len, "cpus=%s: valid: a number from 1 to %d", value, MAX_CPUS);
	return false;
}

static bool set_pcid(struct cmdline *c, const char *value, struct message *m)
{
	c->pcid = strcmp(value, "off");
	if (!c->pcid || !strcmp(value, "on"))
		return true;
	snprintk(m->buf, m->len, "pcid=%s: valid: on off", value);
	return false;
}

static bool set_inject(struct cmdline *c, const char *value, struct message *m)
{
	char list[LIST_MAX] = "";

	if (probe.inject_valid && probe.inject_valid(value, list, sizeof(list))) {
		memcpy(c->inject, value, strlen(value) + 1);
		return true;
	}
	snprintk(m->buf, m->len, "inject=%s: no such fault; valid: %s", value,
		 probe.inject_valid ? list : "none, for this image has no probe");
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The index of the key that @word (@len bytes up to its '=') names, or KEYS. */
static unsigned find_key(const char *word, size_t len)
{
	unsigned i;

	for (i = 0; i < KEYS; i++)
		if (strlen(keys[i].name) == len && !strncmp(keys[i].name, word, len))
			break;
	return i;
}

/* Say what is wrong with @word, and which keys there are. */
static bool reject(struct message *m, const char *word, size_t len, const char *what)
{
	char list[LIST_MAX];
	size_t used = 0;

	for (unsigned i = 0; i < KEYS; i++)
		used += snprintk(list + used, sizeof(list) - used, " %s=", keys[i].name);
	snprintk(m->buf, m->len, "\"%.*s\": %s; valid:%s", len < VALUE_MAX ? (int)len : VALUE_MAX,
		 word, what, list);
	return false;
}

static bool parse_word(struct cmdline *c, const char *word, size_t len, uint32_t *seen,
		       struct message *m)
{
	char value[VALUE_MAX];
	size_t key_len = 0, value_len;
	unsigned i;

	while (key_len < len && word[key_len] != '=')
		key_len++;
	if (key_len == len)
		return reject(m, word, len, "not a key=value word");
	i = find_key(word, key_len);
	if (i == KEYS)
		return reject(m, word, len, "unknown key");
	if (*seen & 1u << i)
		return reject(m, word, len, "this key was given before");
	*seen |= 1u << i;
	value_len = len - key_len - 1;
	if (!value_len)
		return reject(m, word, len, "a key without a value");
	if (value_len >= sizeof(value))
		return reject(m, word, len, "this value is too long");
	memcpy(value, word + key_len + 1, value_len);
	value[value_len] = '\0';
	return keys[i].set(c, value, m);
}

/* What init is to do is one thing. */
static bool one_task(const struct cmdline *c, struct message *m)
{
	if (!!c->tests[0] + !!c->bench[0] + !!c->run[0] <= 1)
		return true;
	snprintk(m->buf, m->len, "tests=%s, bench=%s, run=%s: valid: one of the three", c->tests,
		 c->bench, c->run);
	return false;
}

int cmdline_parse(const char *line, struct cmdline *out, char *err, size_t errlen)
{
	struct message m = { err, errlen };
	uint32_t seen = 0;

	*out = (struct cmdline){ .seed = 1, .pcid = true };
	for (;;) {
		size_t len = 0;

		while (is_blank(*line))
			line++;
		if (!*line)
			break;
		while (line[len] && !is_blank(line[len]))
			len++;
		if (!parse_word(out, line, len, &seen, &m))
			return -EINVAL;
		line += len;
	}
	if (!one_task(out, &m))
		return -EINVAL;
	if (!out->entry) {
		out->entry = entry_design_find(ENTRY_DESIGN_DEFAULT);
		out->entry_defaulted = true;
	}
	return 0;
}
