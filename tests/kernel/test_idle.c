/* SPDX-License-Identifier: MIT */
/* test_idle.c - a CPU does not halt while an interrupt waits, whatever comes between its STI and
 * its HLT. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/idle.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "entry/dispatch.h"
#include "kernel/lib/probe.h"
#include "kernel/trap/fault.h"
#include "tests/kernel/ktest.h"

static volatile unsigned interrupts, halts;

static void count_interrupt(struct trapframe *frame)
{
	(void)frame;
	lapic_eoi();
	interrupts++;
}

/* RF, or it would be the same breakpoint again. No step is wanted beyond idle_wait's first
 * instruction. */
static enum trap_verdict count_halt(struct trapframe *frame, uint64_t cr3, uint64_t gs)
{
	(void)cr3, (void)gs;
	if (frame->rip != (uint64_t)idle_wait)
		frame->rflags &= ~FLAG_TF;
	if (frame->rip == (uint64_t)idle_halt) {
		frame->rflags |= FLAG_RF;
		halts++;
	}
	return TRAP_TAKEN;
}

/* idle_wait() with an interrupt pending and a #DB before the HLT: by a breakpoint, or by @flags,
 * FLAG_TF. */
static void disturb(uint64_t dr7, uint64_t flags)
{
	interrupts = halts = 0;
	probe.trap = count_halt;
	write_dr0((uint64_t)idle_halt);
	write_dr7(dr7);
	lapic_send_ipi(this_cpu()->apic_id, VECTOR_SELF_TEST);
	__asm__ volatile(
		"pushfq; orq %0, (%%rsp); popfq; call idle_wait; pushfq; andq %1, (%%rsp); popfq"
		:
		: "r"(flags), "i"(~FLAG_TF)
		: "memory", "cc");
	write_dr7(DR7_NOTHING);
	probe.trap = NULL;
}

/*
 * No tick runs yet, so nothing else would end the HLT: a hang is the boot runner's time-out. QEMU
 * 7.2 takes no step after STI; Bochs 3.0 and 3.1 with several processors lose the breakpoint, and
 * then the interrupt.
 */
KTEST(a_cpu_with_an_interrupt_pending_does_not_halt)
{
	trap_handler *old = irq_set_handler(VECTOR_SELF_TEST, count_interrupt);

	disturb(DR7_NOTHING, FLAG_TF);
	KCHECK(interrupts == 1);
	if (!halts)
		disturb(DR7_NOTHING | DR7_GLOBAL_0, 0);
	KCHECK(halts == 1);
	KCHECK(interrupts == 1);
	irq_set_handler(VECTOR_SELF_TEST, old);
}
