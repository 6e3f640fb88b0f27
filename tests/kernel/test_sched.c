/* SPDX-License-Identifier: MIT */
/*
 * test_sched.c - where threads go that are ready.
 *
 * Threads of the kernel run with interrupts off: no tick comes to the help of one that was left
 * waiting.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "arch/x86_64/xcall.h"
#include "kernel/abi.h"
#include "kernel/object/process.h"
#include "kernel/sched/sched.h"
#include "mm/tlb.h"
#include "tests/kernel/ktest.h"
#include "tests/kernel/sched_test.h"

#define GUESTS 2u
#define NOWHERE UINT32_MAX

static uint32_t arrived;
static uint32_t place;			/* of the first guest */

static void wait_for_guests(uint32_t n)
{
	while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) < n) {
		xcall_serve();
		cpu_pause();
	}
}

static void arrive(void *unused)
{
	uint32_t nowhere = NOWHERE;

	(void)unused;
	__atomic_compare_exchange_n(&place, &nowhere, this_cpu()->index, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
	__atomic_add_fetch(&arrived, 1, __ATOMIC_RELEASE);
}

static void keep_the_cpu(void *unused)
{
	(void)unused;
	wait_for_guests(1);
	__atomic_add_fetch(&arrived, 1, __ATOMIC_RELEASE);
}

static void expect_guests(void)
{
	arrived = 0;
	place = NOWHERE;
}

static struct thread *new_thread(void (*main)(void *), uint32_t cpu)
{
	return sched_test_thread(main, NULL, cpu);
}

/*
 * The first keeps its CPU until a guest has arrived somewhere; with more than three CPUs some of
 * the idle ones may not take any. Whether both guests wait at the same time is a matter of luck:
 * one alone is offered to nobody, but either the first finds the host waiting, or the second finds
 * the first.
 */
KTEST(who_waits_behind_another_is_offered_to_idle_cpus)
{
	struct thread *host, *guest[GUESTS];
	uint32_t last = cpu_count - 1;

	if (cpu_count < 3)
		return;
	expect_guests();
	host = new_thread(keep_the_cpu, 1);
	sched_set_affinity(host, 1ul << 1);
	for (unsigned i = 0; i < GUESTS; i++) {
		guest[i] = new_thread(arrive, 1);
		sched_set_affinity(guest[i], 1ul << 1 | 1ul << last);
	}
	sched_make_ready(host);
	for (unsigned i = 0; i < GUESTS; i++)
		sched_make_ready(guest[i]);
	wait_for_guests(GUESTS + 1);	/* a hang is the boot runner's time-out */
	KCHECK(place == last);
}

/* It is in no queue when its affinity changes, as one is that has left a CPU and not come to the
 * next. */
KTEST(who_is_sent_elsewhere_on_the_way_goes_there)
{
	struct thread *t;

	if (cpu_count < 3)
		return;
	expect_guests();
	t = new_thread(arrive, 1);
	sched_set_affinity(t, 1ul << 2);
	sched_make_ready(t);
	wait_for_guests(1);
	KCHECK(place == 2);
}

/* --- the order of turns on one CPU: ours ------------------------------------------- */

static bool work_after[4];

static bool asked_to_yield(void)
{
	bool asked = this_cpu()->percpu->work & WORK_RESCHED;

	this_cpu()->percpu->work &= ~WORK_RESCHED;
	return asked;
}

static void nothing(void *unused)
{
	(void)unused;
}

/* Ticks of our own making; no other comes, for interrupts are off. The first comes right after the
 * thread's start. */
static void count_ticks(void *unused)
{
	(void)unused;
	asked_to_yield();
	sched_make_ready(sched_test_thread_here(nothing, NULL));
	for (unsigned i = 0; i < 3; i++) {
		sched_tick(NULL);
		work_after[i] = asked_to_yield();
	}
}

KTEST(who_comes_in_the_middle_of_a_tick_has_a_whole_one_as_well)
{
	sched_make_ready(sched_test_thread_here(count_ticks, NULL));
	sched_yield();
	KCHECK(!work_after[0]);
	KCHECK(work_after[1]);
	KCHECK(!work_after[2]);
	sched_check();
}

static void change_priorities(void *unused)
{
	struct thread *other = sched_test_thread_here(nothing, NULL);

	(void)unused;
	sched_set_priority(other, PRIORITY_BACKGROUND);
	sched_make_ready(other);
	asked_to_yield();
	sched_set_priority(other, PRIORITY_USUAL);
	work_after[0] = asked_to_yield();
	sched_set_priority(other, PRIORITY_URGENT);
	work_after[1] = asked_to_yield();
	sched_set_priority(other, PRIORITY_USUAL);
	sched_set_priority(current_thread(), PRIORITY_URGENT);
	work_after[2] = asked_to_yield();
	sched_set_priority(current_thread(), PRIORITY_BACKGROUND);
	work_after[3] = asked_to_yield();
	sched_check();
}

KTEST(a_new_priority_has_its_effect_at_once)
{
	sched_make_ready(sched_test_thread_here(change_priorities, NULL));
	sched_yield();
	KCHECK(!work_after[0]);
	KCHECK(work_after[1]);
	KCHECK(!work_after[2]);
	KCHECK(work_after[3]);
	sched_check();
}

KTEST(who_is_to_stop_waits_for_no_idle_cpu)
{
	struct thread *t = sched_test_thread_here(nothing, NULL);

	sched_set_priority(t, PRIORITY_BACKGROUND);
	t->work = WORK_STOP;
	sched_renew_priority(t);
	KCHECK(t->priority == PRIORITY_USUAL);
	t->work = 0;
	sched_renew_priority(t);
	KCHECK(t->priority == PRIORITY_BACKGROUND);
	sched_make_ready(t);
	sched_yield();
}

KTEST(who_knows_of_his_end_waits_for_no_idle_cpu)
{
	struct thread *t = sched_test_thread_here(nothing, NULL);

	sched_set_priority(t, PRIORITY_BACKGROUND);
	KCHECK(t->priority == PRIORITY_BACKGROUND);
	t->told = true;
	sched_renew_priority(t);
	KCHECK(t->priority == PRIORITY_USUAL);
	sched_set_priority(t, PRIORITY_BACKGROUND);
	KCHECK(t->priority == PRIORITY_USUAL);
	sched_set_priority(t, PRIORITY_URGENT);
	KCHECK(t->priority == PRIORITY_URGENT);
	t->told = false;
	sched_make_ready(t);
	sched_yield();
}
