/* SPDX-License-Identifier: MIT */
/*
 * test_thread_races.c - threads stopped and resumed at any moment: while they end, while they stop
 * others, and for a bystander thousands of times.
 */
#include "bystander.h"
#include "print.h"
#include "smp.h"
#include "test.h"
#include "user.h"
#include "tests/probe/abi.h"

#define STORM 1000		/* times that a bystander is stopped and resumed */
#define STORM_HZ 10000
#define MEETINGS 20000
#define COLLISIONS 20
#define ENDINGS 200		/* threads that are stopped while they end, on another CPU if
				 * there is one */

static struct user_thread victim, other;

static unsigned long tid_of(const struct user_thread *t)
{
	return (unsigned long)t->tid;
}

static void end(void *unused)
{
	(void)unused;
	sys_thread_exit();
}

static volatile bool over;
static unsigned collisions;

static void stop_again(void *arg)
{
	for (unsigned i = 0; !over; i++) {
		if (sys_thread_stop(tid_of(arg)) == -EINTR)
			__atomic_fetch_add(&collisions, 1, __ATOMIC_RELAXED);
		sys_thread_resume(tid_of(arg));
		for (unsigned n = i % 8; n; n--)	/* or the other would never get out of
							 * its last stop */
			smp_relax();
	}
}

/* Neither has ended yet. */
static bool resume_both(void)
{
	long errors[2] = { sys_thread_resume(tid_of(&other)), sys_thread_resume(tid_of(&victim)) };

	return errors[0] != -ESRCH || errors[1] != -ESRCH;
}

/* Two that stop each other at one moment, which takes two CPUs, both come to rest; a third gets
 * them going again. */
static void each_other(void)
{
	victim.tid = 0;
	CHECK_EQUAL(thread_start(&other, stop_again, &victim), 0);
	CHECK_EQUAL(thread_start(&victim, stop_again, &other), 0);
	for (unsigned i = 0; i < MEETINGS && collisions < COLLISIONS; i++) {
		smp_wait();
		resume_both();
	}
	over = true;
	while (resume_both())
		smp_wait();
	printf("# %u collisions\n", collisions);
	CHECK_EQUAL(thread_finish(&victim), 0);
	CHECK_EQUAL(thread_finish(&other), 0);
}

/* Whoever waits for a thread to stop learns that it has ended instead. */
static void race_with_the_end(void)
{
	long error;

	for (unsigned i = 0; i < ENDINGS; i++) {
		CHECK_EQUAL(thread_start(&victim, end, NULL), 0);
		do {
			for (unsigned n = 0; n < i * 4; n++)
				__asm__ volatile("" : : : "memory");
			error = sys_thread_stop(tid_of(&victim));
			if (!error)
				sys_thread_resume(tid_of(&victim));
			sys_yield();	/* or it would be stopped again before its first
					 * instruction */
		} while (!error);
		CHECK_EQUAL(error, -ESRCH);
		CHECK_EQUAL(thread_finish(&victim), 0);
	}
}

/* A bystander, stopped wherever it happens to be, its registers taken out and put back. */
static void storm(uint64_t id)
{
	struct bystander_thread b;
	struct thread_registers r;
	long wrong = 0;

	CHECK_EQUAL(sys_bench_control(BENCH_TIMER_HZ, STORM_HZ), 0);
	CHECK_EQUAL(bystander_start(&b, id), 0);
	for (unsigned i = 0; i < STORM; i++) {
		wrong |= sys_thread_stop(tid_of(&b.thread));
		wrong |= thread_get(&b.thread, &r);
		wrong |= thread_set(&b.thread, &r);
		wrong |= sys_thread_resume(tid_of(&b.thread));
		if (i & 1)
			smp_wait();
	}
	CHECK_EQUAL(wrong, 0);
	CHECK(bystander_stop(&b));
	CHECK_EQUAL(sys_bench_control(BENCH_TIMER_HZ, TIMER_HZ_NORMAL), 0);
}

int main(const char *arg, size_t len)
{
	struct bystander_thread witness;

	(void)len;
	CHECK_EQUAL(bystander_start(&witness, 12), 0);
	race_with_the_end();
	CHECK(bystander_unharmed(&witness));
	each_other();
	CHECK(bystander_unharmed(&witness));
	storm(test_seed(arg));
	CHECK(bystander_stop(&witness));
	return test_result();
}
