/* SPDX-License-Identifier: MIT */
/* test_sleep_wake.c - sleep() and wake(): no wake is lost, a time-out comes and not too early. */
#include "smp.h"
#include "test.h"
#include "thread.h"
#include "user.h"

#define ROUNDS 2000
#define TIMEOUT_NS 3000000
#define LONG_NS 60000000000	/* a minute: a lost wake shows as a time-out of the whole run */

static volatile long tid_of[2];
static volatile uint64_t turns[2];
static volatile uint64_t passed;
static volatile long result;

/* Two threads hand a turn to and fro. wake() often comes before the other's sleep(), and must be
 * remembered. */
static void ping_pong(void *arg)
{
	uintptr_t me = (uintptr_t)arg;

	while (!tid_of[!me])
		smp_wait();
	for (int i = 0; i < ROUNDS; i++) {
		turns[me]++;
		sys_wake((unsigned long)tid_of[!me]);
		if (sys_sleep(0))
			return;
	}
	sys_wake((unsigned long)tid_of[!me]);
}

static void hand_to_and_fro(void)
{
	struct user_thread t[2];

	for (uintptr_t i = 0; i < 2; i++) {
		CHECK_EQUAL(thread_start(&t[i], ping_pong, (void *)i), 0);
		tid_of[i] = t[i].tid;
	}
	for (int i = 0; i < 2; i++) {
		CHECK_EQUAL(thread_finish(&t[i]), 0);
		CHECK_EQUAL(turns[i], ROUNDS);
	}
}

static void sleep_some_time(void *unused)
{
	uint64_t start = (uint64_t)sys_clock();

	(void)unused;
	result = sys_sleep(TIMEOUT_NS);
	passed = (uint64_t)sys_clock() - start;
}

static void time_out(void)
{
	struct user_thread t;

	CHECK_EQUAL(thread_start(&t, sleep_some_time, NULL), 0);
	CHECK_EQUAL(thread_finish(&t), 0);
	CHECK_EQUAL(result, -ETIMEDOUT);
	CHECK(passed >= TIMEOUT_NS);
}

static void sleep_long(void *unused)
{
	(void)unused;
	result = 1;
	result = sys_sleep(LONG_NS);
}

/* Woken before its time; and then neither the wake nor the old time-out may hit a later sleep. */
static void woken_early(void)
{
	struct user_thread t;

	CHECK_EQUAL(thread_start(&t, sleep_long, NULL), 0);
	while (result != 1)
		smp_wait();
	sys_yield();
	CHECK_EQUAL(sys_wake((unsigned long)t.tid), 0);
	CHECK_EQUAL(thread_finish(&t), 0);
	CHECK_EQUAL(result, 0);
}

/* Several wakes before one sleep count once. */
static void wake_self(void *tid)
{
	while (!*(volatile long *)tid)
		smp_wait();
	sys_wake((unsigned long)*(volatile long *)tid);
	sys_wake((unsigned long)*(volatile long *)tid);
	result = sys_sleep(LONG_NS) == 0 && sys_sleep(TIMEOUT_NS) == -ETIMEDOUT;
}

static void pending_wake(void)
{
	static volatile long tid;
	struct user_thread t;

	CHECK_EQUAL(thread_start(&t, wake_self, (void *)&tid), 0);
	tid = t.tid;
	CHECK_EQUAL(thread_finish(&t), 0);
	CHECK_EQUAL(result, 1);
	CHECK_EQUAL(sys_wake((unsigned long)t.tid), -ESRCH);	/* it is gone */
}

static void many_timed(void)
{
	struct user_thread t[8];

	for (int i = 0; i < 8; i++)
		CHECK_EQUAL(thread_start(&t[i], sleep_some_time, NULL), 0);
	for (int i = 0; i < 8; i++)
		CHECK_EQUAL(thread_finish(&t[i]), 0);
	CHECK_EQUAL(result, -ETIMEDOUT);
}

static volatile bool waiting, has_run, over;

static void urgent_sleeper(void *unused)
{
	(void)unused;
	sys_set_priority(0, PRIORITY_URGENT);
	while (!over) {
		waiting = true;
		sys_sleep(0);
		waiting = false;
		has_run = true;
	}
}

/* An urgent thread on our CPU runs before the wake() that woke it has returned, not at the next
 * tick. */
static void woken_at_once(void)
{
	struct user_thread t;

	smp_pin(smp_cpu(0));
	CHECK_EQUAL(thread_start(&t, urgent_sleeper, NULL), 0);
	CHECK_EQUAL(sys_set_affinity((unsigned long)t.tid, 1ul << smp_cpu(0)), 0);
	for (int i = 0; i < ROUNDS; i++) {
		while (!waiting)
			sys_yield();
		has_run = false;
		over = i == ROUNDS - 1;
		sys_wake((unsigned long)t.tid);
		if (!CHECK(has_run))
			break;
	}
	over = true;
	sys_wake((unsigned long)t.tid);
	CHECK_EQUAL(thread_finish(&t), 0);
	smp_unpin();
}

int main(const char *arg, size_t len)
{
	(void)arg;
	(void)len;
	hand_to_and_fro();
	time_out();
	woken_early();
	pending_wake();
	many_timed();
	woken_at_once();
	CHECK_EQUAL(sys_wake(0), -ESRCH);
	CHECK_EQUAL(sys_wake(1ul << 32), -ESRCH);
	CHECK_EQUAL(sys_wake(~0ul), -ESRCH);
	return test_result();
}
