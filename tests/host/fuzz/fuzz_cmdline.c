/* SPDX-License-Identifier: MIT */
/* sources: kernel/cmdline.c kernel/lib/format.c kernel/lib/probe.c */
/*
 * fuzz_cmdline.c - command lines.
 *
 * An input is the size of the buffer for the message, and a line.  Every word of a line is either
 * taken or told to be wrong: a second reader says which, and with what value.
 */
#include <errno.h>
#include "tests/host/fuzz/fuzz.h"
#include "entry/design.h"
#include "kernel/cmdline.h"
#include "kernel/lib/probe.h"
#include "kernel/lib/format.h"
#include "mm/layout.h"

#define MOST_TOLD	64		/* bytes of a word that a message names, at least */

/* --- what the parser needs from the kernel ------------------------------------------- */

static const struct entry_design designs[] = {
	{ .name = "first" }, { .name = ENTRY_DESIGN_DEFAULT }, { .name = "third-one" },
};

unsigned entry_design_count(void)
{
	return 3;
}

const struct entry_design *entry_design_at(unsigned i)
{
	MUST(i < 3);
	return &designs[i];
}

const struct entry_design *entry_design_find(const char *name)
{
	for (unsigned i = 0; i < 3; i++)
		if (!strcmp(designs[i].name, name))
			return &designs[i];
	return NULL;
}

static bool inject_valid(const char *value, char *list, size_t listlen)
{
	if (!strcmp(value, "panic") || !strcmp(value, "ap-silent"))
		return true;
	snprintk(list, listlen, "panic ap-silent");
	return false;
}

/* --- the second reader ------------------------------------------------------------------ */

static struct cmdline want;
static unsigned seen;
/* The beginning of the word that is wrong; "" when none is. */
static char blamed[MOST_TOLD + 1];

static bool number(const char *text, uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";

	text += hex ? 2 : 0;
	if (!*text || text[strspn(text, digits)])
		return false;
	errno = 0;
	*value = strtoull(text, NULL, hex ? 16 : 10);
	return errno == 0;
}

static bool name(const char *text, char *to, size_t size)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	if (text[len] || len >= size)
		return false;
	strcpy(to, text);
	return true;
}

static bool value_right(unsigned key, const char *text)
{
	uint64_t cpus;

	switch (key) {
	case 0:
		return (want.entry = entry_design_find(text)) != NULL;
	case 1:
		return name(text, want.tests, sizeof(want.tests));
	case 2:
		return name(text, want.bench, sizeof(want.bench));
	case 3:
		return name(text, want.run, sizeof(want.run));
	case 4:
		if (!number(text, &cpus) || cpus < 1 || cpus > MAX_CPUS)
			return false;
		want.cpus = cpus;
		return true;
	case 5:
		want.pcid = !strcmp(text, "on");
		return want.pcid || !strcmp(text, "off");
	case 6:
		return number(text, &want.seed);
	default:
		strcpy(want.inject, text);
		return !strcmp(text, "panic") || !strcmp(text, "ap-silent");
	}
}

static bool word_right(char *word)
{
	static const char *const keys[] = { "entry", "tests", "bench", "run",
					    "cpus",  "pcid",  "seed",  "inject" };
	char *equals = strchr(word, '=');
	unsigned key = 0;

	if (!equals)
		return false;
	*equals = '\0';
	while (key < 8 && strcmp(keys[key], word))
		key++;
	*equals = '=';
	if (key == 8 || seen & 1u << key)
		return false;
	seen |= 1u << key;
	return equals[1] && strlen(equals + 1) < 64 && value_right(key, equals + 1);
}

static bool is_right(char *line)
{
	char *rest, *word;

	want = (struct cmdline){ .seed = 1, .pcid = true };
	seen = 0;
	for (word = strtok_r(line, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		snprintf(blamed, sizeof(blamed), "%s", word);
		if (!word_right(word))
			return false;
	}
	blamed[0] = '\0';
	if (!!want.tests[0] + !!want.bench[0] + !!want.run[0] > 1)
		return false;
	want.entry_defaulted = !want.entry;
	if (!want.entry)
		want.entry = &designs[1];
	return true;
}

/* --- what must hold ------------------------------------------------------------------------ */

static void check_taken(const struct cmdline *got)
{
	MUST(got->entry == want.entry && got->entry_defaulted == want.entry_defaulted);
	MUST(!strcmp(got->tests, want.tests) && !strcmp(got->bench, want.bench));
	MUST(!strcmp(got->run, want.run));
	MUST(got->cpus == want.cpus && got->pcid == want.pcid && got->seed == want.seed);
	MUST(!strcmp(got->inject, want.inject));
}

static void check_told(const char *message)
{
	MUST(strstr(message, "valid"));
	MUST(blamed[0] ? strstr(message, blamed) != NULL :
			 strstr(message, "tests=") && strstr(message, "run="));
}

/* A buffer of any size holds the beginning of what is said. */
static void check_cut(const char *line, const char *whole, size_t size)
{
	char *message = malloc(size);
	struct cmdline c;

	MUST(message);
	MUST(cmdline_parse(line, &c, message, size) == -EINVAL);
	MUST(strlen(message) < size);
	MUST(!strncmp(message, whole, size - 1));
	free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	size_t cut = take8(&in) + 1, len = strnlen((const char *)in.at, in.left);
	struct cmdline got, again;
	char *line = malloc(len + 1), *message = malloc(1024);
	int err;

	probe.inject_valid = inject_valid;
	MUST(line && message);
	memset(&got, 0xa5, sizeof(got));
	take(&in, line, len);
	line[len] = message[0] = '\0';
	err = cmdline_parse(line, &got, message, 1024);
	MUST(err == 0 || err == -EINVAL);
	if (err)
		check_cut(line, message, cut);
	else
		MUST(!message[0] && !cmdline_parse(line, &again, message, 1024));
	MUST(!err == is_right(line));		/* it cuts the line into words */
	if (err) {
		check_told(message);
	} else {
		check_taken(&got);
		check_taken(&again);
	}
	free(line);
	free(message);
	return 0;
}
