/* SPDX-License-Identifier: MIT */
/* sources: */
/* test_clock.c - from TSC ticks to nanoseconds and back, for spans of any length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "arch/x86_64/x86.h"

static uint64_t now;

static uint64_t sim_rdtsc(void)
{
	return now;
}

#define rdtsc sim_rdtsc
#include "arch/x86_64/clock.c"

#define YEAR_S 31556952ul

static const uint64_t rates[] = { 1, 999983, NS_PER_S, 2095947000, 5000000000 };
/* Seconds. */
static const uint64_t spans[] = { 0, 1, 8, 9, 18, 19, 600, YEAR_S, 58 * YEAR_S };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What multiplies before it divides wraps after some seconds. */
static void seconds_are_seconds(void **state)
{
	(void)state;
	for (unsigned r = 0; r < COUNT(rates); r++)
		for (unsigned s = 0; s < COUNT(spans); s++) {
			now = 12345;
			clock_start(rates[r]);
			assert_int_equal(clock_ns_to_tsc(spans[s] * NS_PER_S), spans[s] * rates[r]);
			now += spans[s] * rates[r];
			assert_int_equal(clock_ns(), spans[s] * NS_PER_S);
		}
}

static void parts_of_a_second(void **state)
{
	(void)state;
	now = 0;
	clock_start(2000000000);
	assert_int_equal(clock_ns_to_tsc(1), 2);
	assert_int_equal(clock_ns_to_tsc(20 * NS_PER_S + 999999999), 41999999998);
	now = 41999999998;
	assert_int_equal(clock_ns(), 20 * NS_PER_S + 999999999);
}

/* More than half the TSC's range is that half: now and that is no time in the past. */
static void no_time_wraps(void **state)
{
	(void)state;
	clock_start(5000000000);
	assert_int_equal(clock_ns_to_tsc(UINT64_MAX), UINT64_MAX / 2);
	clock_start(1);
	assert_int_equal(clock_ns_to_tsc(UINT64_MAX), UINT64_MAX / NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_are_seconds),
		cmocka_unit_test(parts_of_a_second),
		cmocka_unit_test(no_time_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
