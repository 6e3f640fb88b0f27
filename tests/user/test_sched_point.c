/* SPDX-License-Identifier: MIT */
/*
 * test_sched_point.c - a call without end, with points: others run, and it can be stopped, moved
 * and killed.
 *
 * Whoever makes the call shares a CPU with somebody who can only run when it makes way. A hang is
 * the boot's time-out.
 */
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_sched_point"
#define WITHOUT_END (~0ul)
#define NO_RESULT 1
#define URGENT_TURNS 5
#define TURN_NS 1000000

static struct user_thread caller;
static volatile bool inside;
static volatile long result, cpu_after;

static unsigned long tid_of(const struct user_thread *t)
{
	return (unsigned long)t->tid;
}

static void call(void *unused)
{
	(void)unused;
	inside = true;
	result = sys_bench_control(BENCH_POINTS, WITHOUT_END);
	cpu_after = sys_cpu();
}

/* Have the call made on @cpu, by nobody who is more urgent than we are. */
static void start_call(unsigned cpu)
{
	inside = false;
	result = NO_RESULT;
	CHECK_EQUAL(thread_start(&caller, call, NULL), 0);
	CHECK_EQUAL(sys_set_affinity(tid_of(&caller), 1ul << cpu), 0);
	while (!inside)
		smp_wait();
	sys_yield();
}

/* It is stopped with its call at an end, which says so. */
static void end_call(void)
{
	struct thread_registers r;

	CHECK_EQUAL(result, NO_RESULT);
	CHECK_EQUAL(sys_thread_stop(tid_of(&caller)), 0);
	CHECK_EQUAL(thread_get(&caller, &r), 0);
	CHECK_EQUAL(r.rax, -EINTR);
	CHECK_EQUAL(result, NO_RESULT);
	CHECK_EQUAL(sys_thread_resume(tid_of(&caller)), 0);
	CHECK_EQUAL(thread_finish(&caller), 0);
	CHECK_EQUAL(result, -EINTR);
}

static void some_points(void)
{
	CHECK_EQUAL(sys_bench_control(BENCH_POINTS, 0), 0);
	CHECK_EQUAL(sys_bench_control(BENCH_POINTS, 1000), 0);
}

/* We are as urgent and on the same CPU: each time we run here, the call has made way. */
static void equals_run(void)
{
	smp_pin(smp_cpu(0));
	start_call(smp_cpu(0));
	for (int i = 0; i < 5; i++)
		sys_yield();
	end_call();
	smp_unpin();
}

static volatile unsigned turns;

static void take_turns(void *unused)
{
	(void)unused;
	sys_set_priority(0, PRIORITY_URGENT);
	while (turns < URGENT_TURNS) {
		sys_sleep(TURN_NS);
		turns++;
	}
}

/* Who sleeps and is more urgent runs when its time has come. We only wait. */
static void more_urgent_ones_run(void)
{
	struct user_thread urgent;

	turns = 0;
	smp_pin(smp_cpu(0));
	start_call(smp_cpu(0));
	CHECK_EQUAL(thread_start(&urgent, take_turns, NULL), 0);
	CHECK_EQUAL(sys_set_affinity(tid_of(&urgent), 1ul << smp_cpu(0)), 0);
	CHECK_EQUAL(thread_finish(&urgent), 0);
	CHECK_EQUAL(turns, URGENT_TURNS);
	end_call();
	smp_unpin();
}

static volatile uint64_t seen;
static volatile bool over;

static void witness(void *unused)
{
	(void)unused;
	while (!over) {
		seen++;
		smp_relax();
	}
}

/* The witness, which is less urgent, runs there as soon as the call goes on here. */
static void moves(void)
{
	unsigned here = smp_cpu(0), there = smp_cpu(1);
	struct user_thread w;
	uint64_t before;

	over = false;
	smp_pin(here);
	start_call(there);
	CHECK_EQUAL(thread_start(&w, witness, NULL), 0);
	CHECK_EQUAL(sys_set_priority(tid_of(&w), PRIORITY_BACKGROUND), 0);
	CHECK_EQUAL(sys_set_affinity(tid_of(&w), 1ul << there), 0);
	CHECK_EQUAL(sys_set_affinity(tid_of(&caller), 1ul << here), 0);
	for (before = seen; seen < before + 10;)
		smp_wait();
	end_call();
	CHECK_EQUAL(cpu_after, here);
	over = true;
	CHECK_EQUAL(thread_finish(&w), 0);
	smp_unpin();
}

/* In children. */
static int child(const char *how)
{
	start_call((unsigned)sys_cpu());
	if (!strcmp(how, "exit"))
		return 5;
	__asm__ volatile("ud2");
	return TEST_FAIL;
}

static void ends_with_its_process(void)
{
	CHECK_EQUAL(run(PROGRAM, "child=exit"), 5);
	CHECK_EQUAL(run(PROGRAM, "child=fault"), WAIT_KILLED | 6);
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (starts_with(arg, "child="))
		return child(arg + 6);
	some_points();
	equals_run();
	more_urgent_ones_run();
	ends_with_its_process();
	if (smp_count() > 1)
		moves();
	else
		printf("# one CPU: no call was moved\n");
	sys_bench_control(BENCH_SCHED_CHECK, 0);
	return test_result();
}
