/* SPDX-License-Identifier: MIT */
/*
 * percpu.h - what a CPU finds through GS while it is in the kernel.
 *
 * Two adjacent pages of the CPU entry area.  The first, the door page, is also
 * in every user root: it holds what an entry path needs before its flip, and
 * nothing else.  The second is in the kernel root only.
 */
#ifndef ARCH_PERCPU_H
#define ARCH_PERCPU_H

#include <stddef.h>
#include <stdint.h>
#include "mm/layout.h"

struct cpu;
struct thread;

enum ist_kind { IST_NMI = 1, IST_DB, IST_DF, IST_MC, IST_COUNT = IST_MC };

/* The top of an IST stack, above the frame. */
struct ist_stack_top {
	struct percpu *percpu;		/* its CPU's: what an IST entry writes into GS_BASE */
	uint64_t dr7;			/* what its exit gives back to DR7; NMI: nothing is on
					 * while none is handled */
};

/* Further down on it: what its exit pops when breakpoints are on again. */
struct ist_exit {
	uint64_t rdi, rip, cs, rflags, rsp, ss;
};

#define IST_EXIT_OFFSET 2048		/* in the stack's page */

struct percpu {
	/* --- door page: visible through every user root ------------------- */
	uint64_t kernel_cr3;		/* word that a flip in loads */
	uint64_t user_cr3;		/* word that a flip out loads; written with IRQs off */
	uint64_t entry_top;		/* where this design lands: its entry stack's top */
	uint64_t scratch;		/* one register, between landing and frame */
	uint8_t door_pad[4096 - 4 * 8];

	/* --- private page: kernel root only ------------------------------- */
	uint64_t kstack_top;		/* current thread's kernel stack */
	struct thread *current;
	struct cpu *cpu;
	uint64_t ist_body_top[IST_COUNT + 1];	/* [0]: kernel-mode fault found on the user table */
	uint32_t work;	/* not 0: exit_work() has something to do before user mode */
	uint32_t index;			/* CPU number, 0.. */
	uint64_t planted;		/* tests/probe/secrets.c: what no user root may show */
	uint8_t private_pad[4096 - 8 * (3 + IST_COUNT + 1) - 8 - 8];
};

_Static_assert(offsetof(struct percpu, kstack_top) == 4096, "the door is one page");
_Static_assert(sizeof(struct ist_stack_top) == IST_STACK_HEADROOM, "the frame ends below it");
_Static_assert(sizeof(struct percpu) == 8192, "percpu is two pages");

/* percpu->work bits.  Set with IRQs off on the owning CPU. */
#define WORK_RESCHED	1u		/* the scheduler wants to pick again */
#define WORK_TLB	4u		/* tlb_exit_work() is due */
#define WORK_KILL	2u		/* the current thread's process is being killed */
#define WORK_STOP	8u	/* the current thread is to stop (kernel/object/threadstop.c) */

/* The running CPU's percpu, by its GS-relative address. Kernel GS only, IRQs off or thread
 * pinned. */
static inline struct thread *current_thread(void)
{
	struct thread *t;

	__asm__ volatile("mov %%gs:%c1, %0" : "=r"(t) : "i"(offsetof(struct percpu, current)));
	return t;
}

static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	__asm__ volatile("mov %%gs:%c1, %0" : "=r"(c) : "i"(offsetof(struct percpu, cpu)));
	return c;
}

#endif
