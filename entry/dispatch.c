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

#define LAST_EXCEPTION (VECTOR_EXCEPTIONS - 1)

int64_t syscall_dispatch(struct trapframe *frame)
{
	uint64_t number = frame->rax, mask;

	if (number >= SYSCALL_COUNT)
		return -ENOSYS;
	/* All ones when in bounds, also where the branch above was mispredicted (Spectre v1). */
	__asm__("cmp %1, %2\n\tsbb %0, %0" : "=r"(mask) : "i"(SYSCALL_COUNT), "r"(number) : "cc");
	return syscall_table[number & mask](frame);
}

static void unexpected_irq(struct trapframe *frame)
{
	panic_frame(frame, read_cr3(), "interrupt %lu has no handler", frame->vector);
}

/* An entry for each, so that no path asks what a vector is or whether anybody wants it. */
static trap_handler *handlers[256] = {
	[0 ... LAST_EXCEPTION] = user_exception,
	[LAST_EXCEPTION + 1 ... 255] = unexpected_irq,
};

trap_handler *irq_set_handler(uint8_t vector, trap_handler *handler)
{
	trap_handler *old = handlers[vector];

	handlers[vector] = handler;
	return old;
}

trap_handler *irq_handler_of(uint8_t vector)
{
	return handlers[vector];
}

void idt_dispatch(struct trapframe *frame)
{
	smap_close();
	handlers[frame->vector](frame);
}

void exit_work(void)
{
	struct percpu *pc = this_cpu()->percpu;

	while (pc->work & ~WORK_TLB) {
		if (current_thread()->process->dying)
			thread_exit_current();
		if (pc->work & WORK_STOP)
			thread_stopped();
		pc->work &= WORK_TLB;
		sched_yield();
		pc = this_cpu()->percpu;	/* it may be another CPU now */
	}
	if (pc->work)
		tlb_exit_work();		/* last: what comes behind is the flip out */
}

void exit_syscall_work(int64_t result)
{
	current_thread()->frame->rax = (uint64_t)result;
	exit_work();
}
