/* SPDX-License-Identifier: MIT */
/*
 * test_smp_affinity.c - threads run where they may and in the order of their priorities.
 *
 * A worker says all the time where it runs. Nobody waits for a time: where something
 * must not happen, somebody else has to get on meanwhile.
 */
#include "print.h"
#include "smp.h"
#include "test.h"
#include "thread.h"

#define TURNS 50
#define SEEN_ENOUGH 100		/* reports that a worker must make before they are believed */
#define PASSES 20000		/* of a spinning worker while a lesser one must stand still */

struct worker {
	struct user_thread thread;
	volatile bool stop, asleep;
	volatile long cpu;		/* where it ran when it looked last */
	volatile uint64_t looks;
	volatile uint64_t strays;	/* looks on another CPU than @home */
	volatile long home;		/* -1: anywhere */
	uint64_t turn;			/* the how manieth to end */
};

static uint64_t turns;

static void look(struct worker *w)
{
	long home = w->home, cpu = sys_cpu();

	/* home is set after the thread has been moved there: a look that began before does not
	 * count */
	w->strays += home >= 0 && home == w->home && cpu != home;
	w->cpu = cpu;
	w->looks++;
}

static void work(void *arg)
{
	struct worker *w = arg;

	while (!w->stop) {
		look(w);
		smp_relax();
	}
	w->turn = __atomic_add_fetch(&turns, 1, __ATOMIC_SEQ_CST);
}

static void work_in_sleep(void *arg)
{
	struct worker *w = arg;

	while (!w->stop) {
		w->asleep = true;
		sys_sleep(0);
		w->asleep = false;
		look(w);
	}
}

static void start(struct worker *w, void (*body)(void *))
{
	*w = (struct worker){ .home = -1 };
	CHECK_EQUAL(thread_start(&w->thread, body, w), 0);
}

static void finish(struct worker *w)
{
	w->stop = true;
	sys_wake((unsigned long)w->thread.tid);
	CHECK_EQUAL(thread_finish(&w->thread), 0);
}

static unsigned long tid_of(const struct worker *w)
{
	return (unsigned long)w->thread.tid;
}

/* Until @w has looked around so many times more. The caller makes way. */
static void wait_for_looks(struct worker *w, uint64_t n)
{
	for (uint64_t until = w->looks + n; w->looks < until;)
		smp_wait();
}

/* @w was told to go to @cpu: until a look that it began there has come. */
static void wait_until_on(struct worker *w, long cpu)
{
	wait_for_looks(w, 2);	/* the first may have begun elsewhere, before it was told */
	while (w->cpu != cpu)
		smp_wait();
}

static void refused(void)
{
	CHECK_EQUAL(sys_set_affinity(0, 0), -EINVAL);
	if (smp_count() < 64)
		CHECK_EQUAL(sys_set_affinity(0, 1ul << 63), -EINVAL);
	CHECK_EQUAL(sys_set_affinity(0xffffffff, ~0ul), -ESRCH);
	CHECK_EQUAL(sys_set_affinity(1ul << 32, ~0ul), -ESRCH);
	CHECK_EQUAL(sys_set_priority(0, PRIORITY_BACKGROUND + 1), -EINVAL);
	CHECK_EQUAL(sys_set_priority(0, ~0ul), -EINVAL);
	CHECK_EQUAL(sys_set_priority(0xffffffff, PRIORITY_USUAL), -ESRCH);
	CHECK_EQUAL(sys_set_priority(1ul << 32, PRIORITY_USUAL), -ESRCH);
}

/* The caller has moved when set_affinity() returns, and stays. */
static void move_self(void)
{
	for (unsigned i = 0; i < TURNS; i++) {
		unsigned cpu = smp_cpu(i * 3 + 1);

		CHECK_EQUAL(sys_set_affinity(0, 1ul << cpu), 0);
		CHECK_EQUAL(sys_cpu(), cpu);
		sys_yield();
		CHECK_EQUAL(sys_cpu(), cpu);
	}
	CHECK_EQUAL(sys_set_affinity(0, ~0ul), 0);
}

/* A running one (and one that is ready after us, where we happen to share a CPU): it arrives, and
 * strays no more. */
static void move_running(void)
{
	struct worker w;

	start(&w, work);
	for (unsigned i = 0; i < TURNS; i++) {
		unsigned cpu = smp_cpu(i);

		CHECK_EQUAL(sys_set_affinity(tid_of(&w), 1ul << cpu), 0);
		wait_until_on(&w, cpu);
		w.home = cpu;
		wait_for_looks(&w, SEEN_ENOUGH);
		CHECK_EQUAL(w.strays, 0);
		w.home = -1;
	}
	finish(&w);
}

/* One that waits for the very CPU we hold must run elsewhere as soon as it may: we do not make
 * way. Where an idle CPU was faster it was not waiting, and what counts is that it arrives. */
static void move_ready(void)
{
	unsigned here = smp_cpu(0), there = smp_cpu(1);
	struct worker w;

	smp_pin(here);
	CHECK_EQUAL(sys_set_priority(0, PRIORITY_URGENT), 0);
	for (unsigned i = 0; i < TURNS; i++) {
		start(&w, work);
		sys_set_affinity(tid_of(&w), 1ul << here);
		sys_set_affinity(tid_of(&w), 1ul << there);
		while (!w.looks || w.cpu != there)
			smp_relax();
		finish(&w);
		CHECK_EQUAL(w.cpu, there);
	}
	CHECK_EQUAL(sys_set_priority(0, PRIORITY_USUAL), 0);
	smp_unpin();
}

static void wake_for_a_look(struct worker *w)
{
	uint64_t seen = w->looks;

	sys_wake(tid_of(w));
	while (w->looks == seen)
		smp_relax();
}

/* A sleeper wakes up where it was sent in its sleep. */
static void move_sleeping(void)
{
	struct worker w;

	start(&w, work_in_sleep);
	for (unsigned i = 0; i < TURNS; i++) {
		unsigned cpu = smp_cpu(i);

		while (!w.asleep)
			smp_wait();
		CHECK_EQUAL(sys_set_affinity(tid_of(&w), 1ul << cpu), 0);
		wake_for_a_look(&w);
		CHECK_EQUAL(w.cpu, cpu);
	}
	finish(&w);
}

/* Have @w there, and nowhere else from now on. The caller is there itself. */
static void pin_here(struct worker *w)
{
	long cpu = sys_cpu();

	sys_set_affinity(tid_of(w), 1ul << cpu);
	wait_until_on(w, cpu);
}

/* Three that wait for one CPU run in the order of their priorities. */
static void in_order(void)
{
	struct worker w[3];

	turns = 0;
	smp_pin(smp_cpu(0));
	for (unsigned long i = 0; i < 3; i++) {
		start(&w[i], work);
		pin_here(&w[i]);
	}
	sys_set_priority(0, PRIORITY_URGENT);	/* now they are all ready */
	for (unsigned long priority = 3; priority-- > PRIORITY_URGENT;) {
		w[priority].stop = true;
		CHECK_EQUAL(sys_set_priority(tid_of(&w[priority]), priority), 0);
	}
	for (unsigned long i = 0; i < 3; i++) {
		finish(&w[i]);
		CHECK_EQUAL(w[i].turn, i + 1);
	}
	sys_set_priority(0, PRIORITY_USUAL);
	smp_unpin();
}

/* As long as a more urgent one spins on its CPU, a thread stands still. */
static void background(void)
{
	struct worker busy, quiet;
	uint64_t before;

	smp_pin(smp_cpu(1));
	start(&busy, work);
	start(&quiet, work);
	pin_here(&busy);
	pin_here(&quiet);
	sys_set_priority(0, PRIORITY_URGENT);
	sys_set_priority(tid_of(&quiet), PRIORITY_BACKGROUND);
	before = quiet.looks;
	for (uint64_t until = busy.looks + PASSES; busy.looks < until;)
		sys_sleep(1000000);
	CHECK_EQUAL(quiet.looks, before);
	sys_set_priority(0, PRIORITY_USUAL);
	finish(&busy);
	while (quiet.looks == before)	/* now it runs again; a hang here is the boot's time-out */
		sys_sleep(1000000);
	finish(&quiet);
	smp_unpin();
}

static void spin(void *stop)
{
	while (!*(volatile bool *)stop)
		smp_relax();
}

/* An urgent one that is woken takes its CPU from a spinning one, and no tick is needed for it. */
static void preempt(void)
{
	unsigned here = smp_cpu(0), there = smp_cpu(1);
	struct user_thread spinner;
	bool stop = false;
	struct worker w;

	start(&w, work_in_sleep);
	sys_set_priority(tid_of(&w), PRIORITY_URGENT);
	sys_set_affinity(tid_of(&w), 1ul << there);
	smp_set_timers(0);
	smp_pin(here);
	CHECK_EQUAL(thread_start(&spinner, spin, &stop), 0);
	sys_set_affinity((unsigned long)spinner.tid, 1ul << there);
	for (unsigned i = 0; i < TURNS; i++) {
		while (!w.asleep)
			smp_relax();
		wake_for_a_look(&w);
		CHECK_EQUAL(w.cpu, there);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	thread_finish(&spinner);
	finish(&w);
	smp_set_timers(TIMER_HZ_NORMAL);
}

int main(const char *arg, size_t len)
{
	(void)arg;
	(void)len;
	refused();
	move_self();
	move_running();
	move_sleeping();
	in_order();
	background();
	if (smp_count() == 1) {
		printf("# one CPU: nothing moves, only priorities were tested\n");
		return test_result();
	}
	move_ready();
	preempt();
	return test_result();
}
