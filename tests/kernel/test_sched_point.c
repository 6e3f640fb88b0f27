/* SPDX-License-Identifier: MIT */
/* test_sched_point.c - what a point within a long operation lets in: interrupts, threads, another
 * CPU. */
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/xcall.h"
#include "entry/dispatch.h"
#include "kernel/abi.h"
#include "tests/kernel/ktest.h"
#include "tests/kernel/sched_test.h"

static volatile unsigned interrupts;
static unsigned arrived, arrived_at_point, arrived_before;

static void count_interrupt(struct trapframe *frame)
{
	(void)frame;
	lapic_eoi();
	interrupts++;
}

KTEST(a_point_lets_interrupts_in)
{
	trap_handler *old = irq_set_handler(VECTOR_SELF_TEST, count_interrupt);

	interrupts = 0;
	lapic_send_ipi(this_cpu()->apic_id, VECTOR_SELF_TEST);
	KCHECK(!interrupts);
	KCHECK(!sched_point());
	KCHECK(interrupts == 1);
	KCHECK(!(read_rflags() & FLAG_IF));
	irq_set_handler(VECTOR_SELF_TEST, old);
}

static void arrive(void *unused)
{
	(void)unused;
	__atomic_add_fetch(&arrived, 1, __ATOMIC_RELEASE);
}

/* The test runs on the idle thread. */
KTEST(a_point_of_an_idle_thread_lets_every_other_in)
{
	arrived = 0;
	KCHECK(!sched_point());
	sched_make_ready(sched_test_thread_here(arrive, NULL));
	KCHECK(!arrived);
	KCHECK(!sched_point());
	KCHECK(arrived == 1);
	sched_check();
}

static void start_with(uint32_t priority)
{
	struct thread *t = sched_test_thread_here(arrive, NULL);

	sched_set_priority(t, priority);
	sched_make_ready(t);
}

static void come_to_a_point(void *unused)
{
	(void)unused;
	for (uint32_t priority = 0; priority < PRIORITY_COUNT; priority++)
		start_with(priority);
	arrived_before = arrived;
	sched_point();
	arrived_at_point = arrived;
}

KTEST(a_point_lets_those_in_that_are_as_urgent)
{
	arrived = 0;
	sched_make_ready(sched_test_thread_here(come_to_a_point, NULL));
	sched_point();
	KCHECK(arrived_before == 0);
	KCHECK(arrived_at_point == 2);
	KCHECK(arrived == 3);
}

static uint32_t place[2];

/* Nobody waits for either CPU: only the affinity is a reason to leave. */
static void move_at_a_point(void *unused)
{
	(void)unused;
	place[0] = this_cpu()->index;
	sched_set_affinity(current_thread(), 1ul << 1);
	sched_point();
	place[1] = this_cpu()->index;
	__atomic_add_fetch(&arrived, 1, __ATOMIC_RELEASE);
}

KTEST(a_thread_may_leave_a_point_on_another_cpu)
{
	if (cpu_count < 2)
		return;
	arrived = 0;
	sched_make_ready(sched_test_thread_here(move_at_a_point, NULL));
	sched_point();
	/* A hang is the boot runner's time-out. */
	while (!__atomic_load_n(&arrived, __ATOMIC_ACQUIRE)) {
		xcall_serve();
		cpu_pause();
	}
	KCHECK(place[0] == this_cpu()->index && this_cpu()->index != 1);
	KCHECK(place[1] == 1);
	sched_check();
}
