/* SPDX-License-Identifier: MIT */
/* sources: kernel/lib/format.c */
/* test_format.c - the kernel's printf against the host's, and its buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/lib/format.h"

#define SAME(...) \
	do { \
		char ours[128], theirs[128]; \
		int n = snprintk(ours, sizeof(ours), __VA_ARGS__); \
		assert_int_equal(n, snprintf(theirs, sizeof(theirs), __VA_ARGS__)); \
		assert_string_equal(ours, theirs); \
	} while (0)

static void the_same_as_printf(void **state)
{
	(void)state;
	SAME("plain %% text");
	SAME("%d %d %d %d", 0, -1, INT32_MAX, INT32_MIN);
	SAME("%ld %ld %lld", INT64_MAX, INT64_MIN, -5ll);
	SAME("%u %lu %zu", UINT32_MAX, UINT64_MAX, (size_t)7);
	SAME("%x %lx %016lx %08x", 0xabcu, UINT64_MAX, 0x1234ul, 0u);
	SAME("[%5d] [%-5d] [%05d] [%*d] [%1d]", 42, 42, -42, 7, 42, 12345);
	SAME("[%s] [%8s] [%-8s] [%.3s] [%.*s] [%.8s]", "ab", "ab", "ab", "abcdef", 2, "abcdef",
	     "ab");
	SAME("%c%c [%3c]", 'x', 'y', 'z');
	SAME("%p", (void *)0xffffffff80000000ul);
}

__attribute__((format(printf, 1, 2))) static void within(const char *fmt, ...)
{
	char buf[64];
	va_list ap;
	struct format inner = { fmt, &ap };

	va_start(ap, fmt);
	assert_int_equal(snprintk(buf, sizeof(buf), "<%u %pV %u>", 1, &inner, 2), 16);
	va_end(ap);
	assert_string_equal(buf, "<1 a, 0x2a, b 2>");
}

static void a_format_within_a_format(void **state)
{
	(void)state;
	within("%s, %p, %c", "a", (void *)42, 'b');
}

static void oddities(void **state)
{
	const char *volatile nothing = NULL, *volatile unknown = "%V|%q|%",
			     *volatile huge = "%900d|%0900d";
	char buf[64];

	(void)state;
	snprintk(buf, sizeof(buf), "%s", nothing);
	assert_string_equal(buf, "(null)");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintk(buf, sizeof(buf), unknown);
	assert_string_equal(buf, "%V|%q|");
	assert_true(snprintk(buf, sizeof(buf), huge, 1, 1) > 900);
#pragma GCC diagnostic pop
	assert_int_equal(strlen(buf), sizeof(buf) - 1);
}

static void cut_off_at_any_size(void **state)
{
	static const char text[] = "0123456789 -42 xyz";

	(void)state;
	for (size_t size = 0; size < sizeof(text) + 3; size++) {
		char *buf = malloc(size ? size : 1);

		assert_int_equal(snprintk(buf, size, "%s %d %s", "0123456789", -42, "xyz"),
				 sizeof(text) - 1);
		if (size) {
			assert_int_equal(strlen(buf),
					 size < sizeof(text) ? size - 1 : sizeof(text) - 1);
			assert_memory_equal(buf, text, strlen(buf));
		}
		free(buf);
	}
}

static char collected[64];
static size_t collected_len;

static void collect(const char *buf, size_t len)
{
	assert_true(collected_len + len <= sizeof(collected));
	memcpy(collected + collected_len, buf, len);
	collected_len += len;
}

static void __attribute__((format(printf, 2, 3))) in_chunks(size_t size, const char *fmt, ...)
{
	char *buf = malloc(size);
	va_list ap;

	collected_len = 0;
	va_start(ap, fmt);
	vformat_chunks(buf, size, collect, fmt, ap);
	va_end(ap);
	free(buf);
}

static void chunks_lose_nothing(void **state)
{
	(void)state;
	for (size_t size = 1; size < 30; size++) {
		in_chunks(size, "%s-%04d-%s", "0123456789", 42, "abc");
		assert_int_equal(collected_len, 19);
		assert_memory_equal(collected, "0123456789-0042-abc", 19);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_as_printf),
		cmocka_unit_test(a_format_within_a_format),
		cmocka_unit_test(oddities),
		cmocka_unit_test(cut_off_at_any_size),
		cmocka_unit_test(chunks_lose_nothing),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
