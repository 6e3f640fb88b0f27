/* SPDX-License-Identifier: MIT */
/*
 * dispatch.c - the common C dispatcher: where all designs meet again.
 *
 * Runs on the kernel table, on a kernel stack, kernel GS, interrupts off.  What
 * comes before is the design's; what is here costs every design the same.
 */
#include "entry/dispatch.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "kernel/abi.h"
#include "kernel/fault.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/sched.h"
#include "mm/tlb.h"
#include "syscall_table.inc"

int64_t syscall_dispatch(struct trapframe *frame)
{
	uint64_t number = frame->rax, mask;

	if (number >= SYSCALL_COUNT)
		return -ENOSYS;
	/* All ones when in bounds, also where the branch above was mispredicted (Spectre v1). */
	__asm__("cmp %1, %2\n\tsbb %0, %0" : "=r"(mask) : "i"(SYSCALL_COUNT), "r"(number) : "cc");
	return syscall_table[number & mask](frame);
}

static irq_handler irq_handlers[256];

irq_handler irq_set_handler(uint8_t vector, irq_handler handler)
{
	irq_handler old = irq_handlers[vector];

	irq_handlers[vector] = handler;
	return old;
}

void idt_dispatch(struct trapframe *frame)
{
	smap_close();
	if (frame->vector < VECTOR_EXCEPTIONS) {
		user_exception(frame);
		return;
	}
	if (!irq_handlers[frame->vector])
		panic_frame(frame, read_cr3(), "interrupt %lu has no handler", frame->vector);
	irq_handlers[frame->vector]();
}

void exit_work(void)
{
	struct percpu *pc = this_cpu()->percpu;

	while (pc->work & ~WORK_TLB) {
		if (current_thread()->process->dying)
			thread_exit_current();
		pc->work &= WORK_TLB;
		sched_yield();
		pc = this_cpu()->percpu;	/* it may be another CPU now */
	}
	if (pc->work)
		tlb_exit_work();		/* last: what comes behind is the flip out */
}
