/* SPDX-License-Identifier: MIT */
/*
 * irqsoff.c - the longest stretch with interrupts off: a timer that notes how late it comes, over and over.
 *
 * A one-shot of the local APIC's timer is set for a moment soon.  Its handler reads the TSC: what has passed
 * since that moment, the interrupt had to wait.  It keeps the longest wait and sets the next one-shot.  The stretch
 * began after the one-shot was set, so it is no longer than the wait and one period together.
 *
 * Under -icount both clocks count instructions, so the figure is exact to within the period.  Elsewhere the
 * host's pauses count, too.  Nothing in the kernel is changed for it: what is measured is what is shipped.
 */
#include "kernel/irqsoff.h"
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "entry/dispatch.h"
#include "kernel/abi.h"
#include "kernel/sched.h"

#define TICKS_PER_SECOND 1000		/* of the scheduler, meanwhile */

/* Of the CPU that is watched, and by it, IRQs off. */
static const struct cpu *watched;	/* NULL: none */
static trap_handler *usual;		/* what the timer is for otherwise */
static uint64_t due;			/* TSC: when the one-shot's time is up */
static uint64_t longest;		/* wait so far */
static uint64_t next_tick;		/* TSC: when the scheduler's tick is due */

static void set_one_shot(void)
{
	uint64_t count = (IRQS_OFF_PERIOD * lapic_timer_hz * LAPIC_TIMER_DIVISOR + tsc_hz / 2) / tsc_hz;

	due = rdtsc() + IRQS_OFF_PERIOD;
	lapic_timer_one_shot(count ? count : 1);
}

/* VECTOR_TIMER. The next one-shot first: what the scheduler's tick takes is a stretch like any other. */
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
	if (watched)
		return -EBUSY;
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
	return longest + IRQS_OFF_PERIOD;
}

void irqsoff_keep(uint64_t ticks)
{
	uint64_t start = rdtsc();

	while (rdtsc() - start < ticks)
		;
	irq_window();
}
