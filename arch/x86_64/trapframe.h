/* SPDX-License-Identifier: MIT */
/*
 * trapframe.h - the one frame that every design, vector and system call builds.
 *
 * 22 words: the order of the GPRs is the order in which entry/frame.inc pushes
 * them, last pushed first.  RCX and R11 lie lowest, so that the SYSRET path,
 * which loads them from rip and rflags, steps over both at once.
 */
#ifndef ARCH_TRAPFRAME_H
#define ARCH_TRAPFRAME_H

#include <stdint.h>

struct trapframe {
	uint64_t r11, rcx;
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t r10, r9, r8, rax, rdx, rsi, rdi;
	uint64_t vector;		/* 0..255, or VECTOR_SYSCALL */
	uint64_t error;			/* CPU's error code, 0, or a system call's number */
	uint64_t rip, cs, rflags, rsp, ss;
};

_Static_assert(sizeof(struct trapframe) == 22 * 8, "frame.inc pushes 22 words");

#define VECTOR_DE	0
#define VECTOR_DB	1
#define VECTOR_NMI	2
#define VECTOR_BP	3
#define VECTOR_UD	6
#define VECTOR_DF	8
#define VECTOR_TS	10
#define VECTOR_NP	11
#define VECTOR_SS	12
#define VECTOR_GP	13
#define VECTOR_PF	14
#define VECTOR_MC	18
#define VECTOR_EXCEPTIONS	32	/* 0..31 are exceptions, the rest interrupts */
/* Bit n: exception n pushes an error code (SDM vol. 3A, table 6-1; 29 and 30 are AMD's #VC and
 * #SX). */
#define VECTORS_WITH_ERROR_CODE \
	(1u << 8 | 0x1fu << 10 | 1u << 17 | 1u << 21 | 1u << 29 | 1u << 30)
#define VECTOR_LATER	32		/* self-IPI for work that can wait: every other interrupt
					 * goes first */
#define VECTOR_IRQ_BASE	32		/* device interrupts: IOAPIC pin n -> 32 + n; pin 0 is
					 * never routed */
#define VECTOR_IRQ_COUNT	24
#define VECTOR_TIMER	0xf0		/* LAPIC timer */
#define VECTOR_SELF_TEST	0xf1	/* self-IPI of the irq_kernel benchmark */
#define VECTOR_RESCHEDULE	0xf2
#define VECTOR_XCALL	0xf3
#define VECTOR_STAND	0xf4		/* for tests: stand still (tests/kernel/world.h) */
#define VECTOR_SPURIOUS	0xff
#define VECTOR_SYSCALL	0x100		/* not a vector: marks a SYSCALL's frame */

/* True when the frame was pushed on entry from user mode. */
static inline int frame_from_user(const struct trapframe *f)
{
	return f->cs & 3;
}

#endif
