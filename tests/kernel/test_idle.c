/* SPDX-License-Identifier: MIT */
/* test_idle.c - a CPU does not halt while an interrupt waits, whatever comes between its STI and its HLT. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/idle.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "entry/dispatch.h"
#include "kernel/fault.h"
#include "tests/kernel/ktest.h"

static volatile unsigned interrupts, breakpoints;

static void count_interrupt(struct trapframe *frame)
{
	(void)frame;
	lapic_eoi();
	interrupts++;
}

/* RF, or it would be the same breakpoint again. */
static enum trap_verdict count_breakpoint(struct trapframe *frame, uint64_t cr3, uint64_t gs)
{
	(void)cr3, (void)gs;
	frame->rflags |= FLAG_RF;
	breakpoints++;
	return TRAP_TAKEN;
}

/* No tick runs yet, so nothing else would end the HLT: a hang is the boot runner's time-out. */
KTEST(a_cpu_with_an_interrupt_pending_does_not_halt)
{
	trap_handler *old = irq_set_handler(VECTOR_SELF_TEST, count_interrupt);

	interrupts = breakpoints = 0;
	trap_watch = count_breakpoint;
	write_dr0((uint64_t)idle_halt);
	write_dr7(DR7_NOTHING | DR7_GLOBAL_0);
	lapic_send_ipi(this_cpu()->apic_id, VECTOR_SELF_TEST);
	idle_wait();
	write_dr7(DR7_NOTHING);
	trap_watch = NULL;
	KCHECK(breakpoints == 1);
	KCHECK(interrupts == 1);
	irq_set_handler(VECTOR_SELF_TEST, old);
}
