/* SPDX-License-Identifier: MIT */
/* test_many_sleepers.c - hundreds whose time comes at the same moment, more than one interrupt
 * wakes: none too early, none forgotten, some woken before, some killed. */
#include "print.h"
#include "smp.h"
#include "test.h"
#include "thread.h"
#include "tests/probe/abi.h"

#define THREADS 400
#define LEAD_NS 400000000ul	/* until then all sleep; who comes too late does not */
#define FAR_NS 3600000000000ul

static struct user_thread threads[THREADS];
static uint64_t moment;
static volatile long results[THREADS];
static volatile uint64_t ends[THREADS], started;

static void sleep_until_the_moment(void *number)
{
	uint64_t now = (uint64_t)sys_clock();
	uintptr_t n = (uintptr_t)number;

	__atomic_add_fetch(&started, 1, __ATOMIC_RELAXED);
	results[n] = now < moment ? sys_sleep(moment - now) : -ETIMEDOUT;
	ends[n] = (uint64_t)sys_clock();
}

static void sleep_too_long(void *number)
{
	__atomic_add_fetch(&started, 1, __ATOMIC_RELAXED);
	results[(uintptr_t)number] = sys_sleep(FAR_NS + (uintptr_t)number % 3);
}

/* How many threads there may be depends on memory; some hundred there always are. */
static unsigned start_all(void (*body)(void *), unsigned n)
{
	unsigned i = 0;

	started = 0;
	while (i < n && thread_start(&threads[i], body, (void *)(uintptr_t)i) == 0)
		i++;
	CHECK(i == n);
	while (started < i)
		smp_wait();
	return i;
}

static void all_at_one_moment(void)
{
	unsigned n, early = 0, wrong = 0;

	moment = (uint64_t)sys_clock() + LEAD_NS;
	n = start_all(sleep_until_the_moment, THREADS);
	sys_bench_control(BENCH_SCHED_CHECK, 0);
	for (unsigned i = 0; i < n; i++) {
		CHECK_EQUAL(thread_finish(&threads[i]), 0);
		wrong += results[i] != -ETIMEDOUT;
		early += ends[i] < moment;
	}
	CHECK_EQUAL(wrong, 0);
	CHECK_EQUAL(early, 0);
	sys_bench_control(BENCH_SCHED_CHECK, 0);
}

/* From the middle of those that sleep: every third, then the others, from the last on. */
static void woken_one_by_one(void)
{
	unsigned n = start_all(sleep_too_long, THREADS), wrong = 0;

	for (unsigned i = 0; i < n; i += 3)
		CHECK_EQUAL(sys_wake((unsigned long)threads[i].tid), 0);
	sys_bench_control(BENCH_SCHED_CHECK, 0);
	for (unsigned i = n; i--;)
		if (i % 3)
			CHECK_EQUAL(sys_wake((unsigned long)threads[i].tid), 0);
	for (unsigned i = 0; i < n; i++) {
		CHECK_EQUAL(thread_finish(&threads[i]), 0);
		wrong += results[i] != 0;
	}
	CHECK_EQUAL(wrong, 0);
	sys_bench_control(BENCH_SCHED_CHECK, 0);
}

/* A child ends with all of them asleep. */
static void killed_asleep(void)
{
	CHECK_EQUAL(run("test_many_sleepers", "child=sleep"), 7);
	sys_bench_control(BENCH_SCHED_CHECK, 0);
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (arg[0] == 'c') {
		start_all(sleep_too_long, THREADS / 2);
		return 7;
	}
	all_at_one_moment();
	woken_one_by_one();
	killed_asleep();
	return test_result();
}
