/* SPDX-License-Identifier: MIT */
/*
 * test_sched_idle.c - an idle CPU that lets interrupts in while it looks for work forgets none of
 * what they said.
 *
 * We hold our queue's lock while CPU 1 wants to look into it, which is the last queue that it looks
 * into. What is sent to it meanwhile comes right after, and not to its HLT. A hang is the boot
 * runner's time-out.
 */
#include "arch/x86_64/xcall.h"
#include "kernel/sched/sched_internal.h"
#include "kernel/sync/spinlock.h"
#include "mm/tlb.h"
#include "tests/kernel/ktest.h"
#include "tests/kernel/sched_test.h"

#define LOOKER 1u
#define LONG_ENOUGH 10000	/* PAUSEs, until it stands before our lock */

static uint32_t arrived;

static void arrive(void *unused)
{
	(void)unused;
	__atomic_add_fetch(&arrived, 1, __ATOMIC_RELEASE);
}

static void wait_a_bit(void)
{
	xcall_serve();
	cpu_pause();
}

static bool looker_is_idle(void)
{
	return __atomic_load_n(&sched_idle_cpus, __ATOMIC_SEQ_CST) >> LOOKER & 1;
}

/* Something is in our queue that is not for it; it is woken, finds nothing on its way, and stands
 * before our lock. */
static void have_it_look(void)
{
	sched_make_ready(sched_test_thread_here(arrive, NULL));
	while (!looker_is_idle())
		wait_a_bit();
	spin_lock(&queue_of(this_cpu())->lock);
	__atomic_and_fetch(&sched_idle_cpus, ~(1ul << LOOKER), __ATOMIC_SEQ_CST);
	send_reschedule(&cpus[LOOKER]);
	while (!looker_is_idle())
		wait_a_bit();
	for (unsigned i = 0; i < LONG_ENOUGH; i++)
		wait_a_bit();
}

/* @t, which is nowhere, into the queue of @cpu, of which that CPU hears nothing. */
static void put_into(uint32_t cpu, struct thread *t)
{
	struct runqueue *q = queue_of(&cpus[cpu]);

	t->cpu = &cpus[cpu];
	spin_lock(&q->lock);
	runqueue_append(q, t);
	spin_unlock(&q->lock);
}

static void let_it_look(void)
{
	spin_unlock(&queue_of(this_cpu())->lock);
	while (!__atomic_load_n(&arrived, __ATOMIC_ACQUIRE))
		wait_a_bit();
	sched_yield();		/* whom it could not have */
	while (arrived < 2)
		wait_a_bit();
	sched_check();
}

KTEST(a_thread_that_is_sent_to_a_cpu_that_looks_for_work_runs)
{
	struct thread *t;

	if (cpu_count < 2)
		return;
	arrived = 0;
	t = sched_test_thread(arrive, NULL, LOOKER);
	sched_set_affinity(t, 1ul << LOOKER);
	have_it_look();
	put_into(LOOKER, t);
	send_reschedule(&cpus[LOOKER]);
	let_it_look();
	KCHECK(arrived == 2);
}

KTEST(a_thread_that_waits_in_a_queue_already_looked_into_is_found)
{
	struct thread *t;

	if (cpu_count < 3)
		return;
	arrived = 0;
	t = sched_test_thread(arrive, NULL, 2);
	sched_set_affinity(t, 1ul << LOOKER | 1ul << 2);
	have_it_look();
	put_into(2, t);
	call_thief(&cpus[2]);
	let_it_look();
	KCHECK(arrived == 2);
}
