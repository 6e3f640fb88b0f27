/* SPDX-License-Identifier: MIT */
/* test_ticks.c - a CPU with nothing to do is left alone: its tick, once started, rests by
 * itself. */
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "arch/x86_64/xcall.h"
#include "entry/dispatch.h"
#include "kernel/sched/sched.h"
#include "mm/tlb.h"
#include "tests/kernel/ktest.h"

#define IDLE	1u			/* a CPU */
#define SPAN_NS	(10 * 1000000000ul / SCHED_TICK_HZ)	/* ten ticks */

static uint32_t ticks, started;

static void count(struct trapframe *frame)
{
	(void)frame;
	lapic_eoi();
	__atomic_add_fetch(&ticks, this_cpu()->index == IDLE, __ATOMIC_RELAXED);
}

static void start_tick(struct trapframe *frame)
{
	(void)frame;
	lapic_eoi();
	sched_set_tick(SCHED_TICK_HZ);
	__atomic_store_n(&started, 1, __ATOMIC_RELEASE);
}

static void pass(uint64_t ns)
{
	for (uint64_t end = clock_ns() + ns; clock_ns() < end;) {
		xcall_serve();
		cpu_pause();
	}
}

KTEST(the_tick_of_an_idle_cpu_rests)
{
	trap_handler *old_tick, *old_test;

	if (cpu_count <= IDLE)
		return;
	ticks = started = 0;
	old_tick = irq_set_handler(VECTOR_TIMER, count);
	old_test = irq_set_handler(VECTOR_SELF_TEST, start_tick);
	lapic_send_ipi(cpus[IDLE].apic_id, VECTOR_SELF_TEST);
	while (!__atomic_load_n(&started, __ATOMIC_ACQUIRE))
		pass(1000);
	pass(SPAN_NS);
	/* One may come before the CPU is back in its idle loop. */
	KCHECK(__atomic_load_n(&ticks, __ATOMIC_RELAXED) <= 1);
	irq_set_handler(VECTOR_SELF_TEST, old_test);
	irq_set_handler(VECTOR_TIMER, old_tick);
}
