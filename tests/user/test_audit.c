/* SPDX-License-Identifier: MIT */
/*
 * test_audit.c - a few processes with several threads each, and then the audit's dump.
 *
 * The dump is judged on the host (tools/audit.py); this program only makes the
 * scene: processes inside each other, threads that sleep, and one that is gone
 * already, whose stacks must be gone with it.  With tests=mixed-test_audit there
 * are two of each design.
 */
#include "designs.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROCESSES (2 * DESIGN_COUNT)
#define SLEEPERS 2		/* threads beside the first */

static void sleep_until_woken(void *unused)
{
	(void)unused;
	sys_sleep(0);
}

static void nothing(void *unused)
{
	(void)unused;
}

static void end_one_thread(void)
{
	struct user_thread t;

	CHECK_EQUAL(thread_start(&t, nothing, NULL), 0);
	CHECK_EQUAL(thread_finish(&t), 0);
}

/* Process @n of the nest: the innermost has the dump made while all the others wait for it. */
static void process(uint64_t n)
{
	struct user_thread sleeper[SLEEPERS];
	char next[16];

	end_one_thread();
	for (int i = 0; i < SLEEPERS; i++)
		CHECK_EQUAL(thread_start(&sleeper[i], sleep_until_woken, NULL), 0);
	snprintf(next, sizeof(next), "nest=%lu", n + 1);
	if (n < PROCESSES)
		CHECK_EQUAL(run("test_audit", next), TEST_PASS);
	else
		CHECK_EQUAL(sys_bench_control(BENCH_AUDIT, 0), 0);
	for (int i = 0; i < SLEEPERS; i++) {
		CHECK_EQUAL(sys_wake((unsigned long)sleeper[i].tid), 0);
		CHECK_EQUAL(thread_finish(&sleeper[i]), 0);
	}
}

int main(const char *arg, size_t len)
{
	(void)len;
	process(starts_with(arg, "nest=") ? parse_number(arg + strlen("nest=")) : 1);
	return test_result();
}
