/* SPDX-License-Identifier: MIT */
/*
 * test_smp_stop.c - threads that are stopped from another CPU: one that runs there alone, and one
 * that is sent from CPU to CPU and stops where it arrives.
 *
 * No timer runs, so that nothing else makes them look whether they have to stop.
 */
#include "smp.h"
#include "test.h"
#include "thread.h"

#define ROUNDS 20
#define CALM 20		/* looks that find it standing still, until it counts as gone */
#define TURNS_MAX 2000000	/* some seconds: however busy the host is, we come before that */

static volatile uint64_t turns;

static void spin(void *unused)
{
	(void)unused;
	for (uint64_t until = turns + TURNS_MAX; turns < until;) {
		turns++;
		smp_relax();
	}
}

/* Until it no longer runs where it was, as far as we can see: a busy host may have stopped that
 * CPU. */
static void wait_until_gone(void)
{
	uint64_t seen = turns;

	for (unsigned calm = 0; calm < CALM; calm++) {
		smp_relax();
		if (turns != seen)
			calm = 0;
		seen = turns;
	}
}

/* Spinning on the second CPU; we are on the first. Its number. */
static unsigned long start(struct user_thread *t)
{
	turns = 0;
	CHECK_EQUAL(thread_start(t, spin, NULL), 0);
	CHECK_EQUAL(sys_set_affinity((unsigned long)t->tid, 1ul << smp_cpu(1)), 0);
	while (!turns)
		smp_relax();
	return (unsigned long)t->tid;
}

/* It has not run to its end, and runs no more. */
static void stop(struct user_thread *t)
{
	uint64_t before;

	CHECK_EQUAL(sys_thread_stop((unsigned long)t->tid), 0);
	before = turns;
	CHECK(before < TURNS_MAX);
	smp_relax();
	CHECK_EQUAL(turns, before);
	CHECK_EQUAL(thread_cut_off(t), 0);
}

static void stop_where_it_runs(void)
{
	struct user_thread t;

	start(&t);
	stop(&t);
}

static void stop_on_the_way(void)
{
	struct user_thread t;
	unsigned long tid = start(&t);

	CHECK_EQUAL(sys_set_affinity(tid, 1ul << smp_cpu(0)), 0);	/* after us */
	wait_until_gone();
	stop(&t);			/* makes way for it */
}

int main(const char *arg, size_t len)
{
	(void)arg, (void)len;
	if (smp_count() < 2)
		return test_result();
	smp_set_timers(0);
	smp_pin(smp_cpu(0));
	for (unsigned i = 0; i < ROUNDS; i++) {
		stop_where_it_runs();
		stop_on_the_way();
	}
	smp_unpin();
	smp_set_timers(TIMER_HZ_NORMAL);
	return test_result();
}
