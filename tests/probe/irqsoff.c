/* SPDX-License-Identifier: MIT */
/*
 * irqsoff.c - the longest stretch with interrupts off: a timer that notes how late it comes, over
 * and over.
 *
 * A one-shot of the local APIC's timer is set for a moment soon.  Its handler reads the TSC: what
 * has passed since that moment, the interrupt had to wait.  It keeps the longest wait and sets the
 * next one-shot.  The stretch began after the one-shot was set, so it is no longer than the wait
 * and one period together.
 *
 * Under -icount both clocks count instructions, so the figure is exact to within the period.
 * Elsewhere the host's pauses count, too.  Nothing in the kernel is changed for it: what is
 * measured is what is shipped.
 *
 * But the clock is one for all CPUs, which run in turn there, and where a turn ends is QEMU's
 * business: in the middle of a stretch, mostly.  What another CPU does in its turn would count.  So
 * the others idle: they are parked in their HLT, called for work as ever and not coming.
 */
#include "tests/probe/irqsoff.h"
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/idle.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "arch/x86_64/xcall.h"
#include "entry/dispatch.h"
#include "kernel/abi.h"
#include "kernel/console/panic.h"
#include "kernel/lib/probe.h"
#include "kernel/sched/sched.h"
#include "kernel/trap/fault.h"
#include "mm/tlb.h"

#define TICKS_PER_SECOND 1000		/* of the scheduler, meanwhile */

#define PARK_TRIES	100000		/* until a CPU idles */

/* --- the other CPUs ------------------------------------------------------------ */

static enum { LEFT, ASKED, BUSY, PARKED } answers[MAX_CPUS];	/* of each that is asked to park */
static bool parking;

static void set_answer(uint32_t cpu, unsigned to)
{
	__atomic_store_n(&answers[cpu], to, __ATOMIC_SEQ_CST);
}

static unsigned get_answer(uint32_t cpu)
{
	return __atomic_load_n(&answers[cpu], __ATOMIC_SEQ_CST);
}

/* The NMI that asks. Shootdowns are served here, for the watched CPU would wait for ever. */
static enum trap_verdict park(struct trapframe *frame, uint64_t cr3, uint64_t gs)
{
	uint32_t me = this_cpu()->index;

	(void)cr3, (void)gs;
	if (frame->vector != VECTOR_NMI)
		return TRAP_NOT_MINE;
	if (frame->rip != (uint64_t)idle_halted) {
		set_answer(me, BUSY);
		return TRAP_TAKEN;
	}
	set_answer(me, PARKED);
	while (__atomic_load_n(&parking, __ATOMIC_SEQ_CST) && !panic_in_progress()) {
		xcall_serve();
		cpu_pause();
	}
	set_answer(me, LEFT);
	return TRAP_TAKEN;
}

/* Lets interrupts in. False: it would not idle. */
static bool park_cpu(const struct cpu *cpu)
{
	for (unsigned tries = 0; tries < PARK_TRIES; tries++) {
		set_answer(cpu->index, ASKED);
		lapic_send_nmi(cpu->apic_id);
		while (get_answer(cpu->index) == ASKED)
			cpu_pause();
		if (get_answer(cpu->index) == PARKED)
			return true;
		irq_window();
		cpu_pause();
	}
	return false;
}

static void release_others(void)
{
	if (cpu_count == 1)
		return;
	__atomic_store_n(&parking, false, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < cpu_count; i++)
		while (get_answer(i) == PARKED)
			cpu_pause();
	probe.trap = NULL;
}

static int park_others(void)
{
	if (cpu_count == 1)
		return 0;
	if (probe.trap)
		return -EBUSY;
	parking = true;
	probe.trap = park;
	for (uint32_t i = 0; i < cpu_count; i++) {
		if (i != this_cpu()->index && !park_cpu(&cpus[i])) {
			release_others();
			return -EBUSY;
		}
	}
	return 0;
}

/* --- the watch ------------------------------------------------------------------- */

/* Of the CPU that is watched, and by it, IRQs off. */
static const struct cpu *watched;	/* NULL: none */
static trap_handler *usual;		/* what the timer is for otherwise */
static uint64_t due;			/* TSC: when the one-shot's time is up */
static uint64_t longest;		/* wait so far */
static uint64_t next_tick;		/* TSC: when the scheduler's tick is due */

static void set_one_shot(void)
{
	uint64_t count =
		(IRQS_OFF_PERIOD * lapic_timer_hz * LAPIC_TIMER_DIVISOR + tsc_hz / 2) / tsc_hz;

	due = rdtsc() + IRQS_OFF_PERIOD;
	lapic_timer_one_shot(count ? count : 1);
}

/* VECTOR_TIMER. The next one-shot first: what the scheduler's tick takes is a stretch like any
 * other. */
static void note_wait(struct trapframe *frame)
{
	uint64_t now = rdtsc();

	if (this_cpu() != watched) {
		usual(frame);
		return;
	}
	/* The count was rounded: it may be some ticks early. */
	if (now > due && now - due > longest)
		longest = now - due;
	set_one_shot();
	if (now >= next_tick) {
		next_tick = now + tsc_hz / TICKS_PER_SECOND;
		usual(frame);
	} else {
		lapic_eoi();
	}
}

int irqsoff_begin(void)
{
	int err = watched ? -EBUSY : park_others();

	if (err)
		return err;
	sched_set_tick(0);		/* the scheduler leaves the timer alone then */
	watched = this_cpu();
	longest = 0;
	next_tick = rdtsc() + tsc_hz / TICKS_PER_SECOND;
	usual = irq_handler_of(VECTOR_TIMER);	/* first: another CPU's timer may be due at once */
	irq_set_handler(VECTOR_TIMER, note_wait);
	set_one_shot();
	return 0;
}

int64_t irqsoff_end(void)
{
	if (watched != this_cpu())
		return -EINVAL;
	irq_set_handler(VECTOR_TIMER, usual);
	watched = NULL;
	sched_set_tick(0);
	release_others();
	return longest + IRQS_OFF_PERIOD;
}

void irqsoff_keep(uint64_t ticks)
{
	uint64_t start = rdtsc();

	while (rdtsc() - start < ticks)
		;
	irq_window();
}
