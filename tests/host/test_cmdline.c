/* SPDX-License-Identifier: MIT */
/* sources: kernel/cmdline.c kernel/lib/format.c kernel/lib/probe.c */
/* test_cmdline.c - the command line takes what is valid, and names the word that is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/cmdline.h"
#include "kernel/lib/probe.h"
#include "kernel/lib/format.h"

/* --- what the parser needs from the kernel --------------------------------- */

static const struct entry_design designs[] = {
	{ .name = "first" }, { .name = ENTRY_DESIGN_DEFAULT }, { .name = "third-one" },
};

unsigned entry_design_count(void)
{
	return 3;
}

const struct entry_design *entry_design_at(unsigned i)
{
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

/* --- helpers --------------------------------------------------------------- */

static struct cmdline parsed;
static char message[512];

/* Parse a copy that ends where its memory ends, so that a read too far is seen. */
static int parse(const char *line)
{
	char *copy = strdup(line);
	int err;

	memset(&parsed, 0xa5, sizeof(parsed));
	message[0] = '\0';
	err = cmdline_parse(copy, &parsed, message, sizeof(message));
	free(copy);
	return err;
}

static void assert_refused(const char *line, const char *word, const char *hint)
{
	assert_int_equal(parse(line), -EINVAL);
	if (!strstr(message, word) || !strstr(message, hint))
		fail_msg("\"%s\": message lacks \"%s\" or \"%s\": %s", line, word, hint, message);
}

/* --- tests ----------------------------------------------------------------- */

static void empty_line_gives_the_defaults(void **state)
{
	static const char *const lines[] = { "", " ", "\t  \t" };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(parse(lines[i]), 0);
		assert_string_equal(parsed.entry->name, ENTRY_DESIGN_DEFAULT);
		assert_true(parsed.entry_defaulted);
		assert_string_equal(parsed.tests, "");
		assert_string_equal(parsed.bench, "");
		assert_string_equal(parsed.inject, "");
		assert_int_equal(parsed.seed, 1);
		assert_int_equal(parsed.cpus, 0);
		assert_true(parsed.pcid);
	}
}

static void every_key_is_taken(void **state)
{
	(void)state;
	assert_int_equal(
		parse("  entry=third-one\ttests=test_x seed=42 cpus=3 pcid=off inject=panic "), 0);
	assert_ptr_equal(parsed.entry, &designs[2]);
	assert_false(parsed.entry_defaulted);
	assert_string_equal(parsed.tests, "test_x");
	assert_int_equal(parsed.seed, 42);
	assert_int_equal(parsed.cpus, 3);
	assert_false(parsed.pcid);
	assert_string_equal(parsed.inject, "panic");
	assert_int_equal(parse("bench=all"), 0);
	assert_string_equal(parsed.bench, "all");
}

static void naming_the_default_is_not_defaulting(void **state)
{
	(void)state;
	assert_int_equal(parse("entry=" ENTRY_DESIGN_DEFAULT), 0);
	assert_false(parsed.entry_defaulted);
}

static void seeds(void **state)
{
	static const char *const bad[] = {
		"seed=x", "seed=-1", "seed=0x", "seed=12a", "seed=0xg", "seed=1.5",
		"seed=18446744073709551616", "seed=0x10000000000000000",
	};

	(void)state;
	assert_int_equal(parse("seed=0"), 0);
	assert_int_equal(parsed.seed, 0);
	assert_int_equal(parse("seed=18446744073709551615"), 0);
	assert_true(parsed.seed == UINT64_MAX);
	assert_int_equal(parse("seed=0xFfffFFFFffffffff"), 0);
	assert_true(parsed.seed == UINT64_MAX);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(bad[i], bad[i], "hexadecimal");
}

static void numbers_of_cpus(void **state)
{
	static const char *const bad[] = { "cpus=0", "cpus=65", "cpus=-1", "cpus=4k",
					   "cpus=18446744073709551617" };

	(void)state;
	assert_int_equal(parse("cpus=1"), 0);
	assert_int_equal(parsed.cpus, 1);
	assert_int_equal(parse("cpus=64 pcid=on"), 0);
	assert_int_equal(parsed.cpus, 64);
	assert_true(parsed.pcid);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(bad[i], bad[i], "from 1 to 64");
}

static void unknown_words_are_named_with_what_is_valid(void **state)
{
	(void)state;
	assert_refused("entry=first foo=1", "\"foo=1\"",
		       "entry= tests= bench= run= cpus= pcid= seed= inject=");
	assert_refused("quiet", "\"quiet\"", "entry= tests=");
	assert_refused("=x", "\"=x\"", "entry=");
	assert_refused("ENTRY=first", "\"ENTRY=first\"", "entry=");
	assert_refused("entr=first", "\"entr=first\"", "unknown key");
	assert_refused("entryx=first", "\"entryx=first\"", "unknown key");
}

static void unknown_values_are_named_with_what_is_valid(void **state)
{
	(void)state;
	assert_refused("entry=nope", "entry=nope", "first " ENTRY_DESIGN_DEFAULT " third-one");
	assert_refused("entry=third", "entry=third", "third-one");
	assert_refused("inject=fire", "inject=fire", "ap-silent");
	assert_refused("tests=a/b", "tests=a/b", "a-z");
	assert_refused("pcid=yes", "pcid=yes", "on off");
	assert_refused("bench=A", "bench=A", "a-z");
	assert_refused("entry=a=b", "entry=a=b", "valid");
}

static void a_key_needs_a_value(void **state)
{
	static const char *const lines[] = { "entry=", "tests=", "bench= ", "seed=",
					     "inject=\tseed=1" };

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_refused(lines[i], "=\"", "without a value");
}

static void a_key_comes_once(void **state)
{
	(void)state;
	assert_refused("entry=first entry=first", "\"entry=first\"", "given before");
	assert_refused("seed=1 tests=user seed=2", "\"seed=2\"", "given before");
}

static void tests_bench_and_run_exclude_each_other(void **state)
{
	(void)state;
	assert_refused("tests=user bench=all", "tests=user", "bench=all");
	assert_refused("tests=user run=designs", "tests=user", "run=designs");
	assert_refused("run=designs bench=all", "run=designs", "bench=all");
	assert_int_equal(parse("entry=first run=designs"), 0);
	assert_string_equal(parsed.run, "designs");
}

static void names_fit_or_are_refused(void **state)
{
	(void)state;
	assert_int_equal(parse("tests=a2345678901234567890123456789012345678901234567"), 0);
	assert_int_equal(strlen(parsed.tests), 47);
	assert_int_equal(parse("bench=a234567890123456789012345678901"), 0);
	assert_int_equal(strlen(parsed.bench), 31);
	assert_refused("tests=a23456789012345678901234567890123456789012345678", "tests=a2345",
		       "at most 47");
	assert_refused("bench=a2345678901234567890123456789012", "bench=a2345", "at most 31");
}

static void long_words_are_refused(void **state)
{
	char line[2000];

	(void)state;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	assert_refused(line, "\"xxxx", "key=value");
	memcpy(line, "inject=", 7);
	assert_refused(line, "\"inject=xxx", "too long");
	line[7 + 64] = '\0';
	assert_refused(line, "\"inject=xxx", "too long");
	line[7 + 63] = '\0';
	assert_refused(line, "inject=xxx", "no such fault");
	line[7 + 64] = line[7 + 63] = 'x';
	line[1000] = '=';
	memcpy(line, "xxxxxxx", 7);
	assert_refused(line, "\"xxxx", "unknown key");
}

static void messages_stay_in_their_buffer(void **state)
{
	static const char *const lines[] = {
		"entry=nope", "foo",	"seed=x", "inject=x",
		"tests=A",    "cpus=0", "pcid=x", "tests=a bench=b",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		for (size_t size = 1; size < 40; size++) {
			char *err = malloc(size);
			struct cmdline c;

			assert_int_equal(cmdline_parse(lines[i], &c, err, size), -EINVAL);
			assert_true(strlen(err) < size);
			free(err);
		}
}

static void without_a_probe_nothing_is_broken(void **state)
{
	(void)state;
	probe.inject_valid = NULL;
	assert_refused("inject=panic", "inject=panic", "this image has no probe");
	probe.inject_valid = inject_valid;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_probe_nothing_is_broken),
		cmocka_unit_test(empty_line_gives_the_defaults),
		cmocka_unit_test(every_key_is_taken),
		cmocka_unit_test(naming_the_default_is_not_defaulting),
		cmocka_unit_test(seeds),
		cmocka_unit_test(numbers_of_cpus),
		cmocka_unit_test(unknown_words_are_named_with_what_is_valid),
		cmocka_unit_test(unknown_values_are_named_with_what_is_valid),
		cmocka_unit_test(a_key_needs_a_value),
		cmocka_unit_test(a_key_comes_once),
		cmocka_unit_test(tests_bench_and_run_exclude_each_other),
		cmocka_unit_test(names_fit_or_are_refused),
		cmocka_unit_test(long_words_are_refused),
		cmocka_unit_test(messages_stay_in_their_buffer),
	};

	probe.inject_valid = inject_valid;
	return cmocka_run_group_tests_name("cmdline", tests, NULL, NULL);
}
