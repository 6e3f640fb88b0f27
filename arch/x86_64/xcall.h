/* SPDX-License-Identifier: MIT */
/*
 * xcall.h - calls to other CPUs: a word is left in their mailboxes, and they answer it from an
 * interrupt, or from whatever loop they spin in with interrupts off.
 *
 * So a CPU that waits, for a lock or for an answer, can always be called.  No lock is held while
 * waiting for an answer.  All: kernel table and GS, IRQs off; not from an NMI.
 */
#ifndef ARCH_XCALL_H
#define ARCH_XCALL_H

#include <stdint.h>

struct trapframe;

/* One call. It is its sender's again when nobody is waited for: others read it until then. */
struct xcall {
	void (*serve)(struct xcall *call);	/* on each CPU that is called */
	uint64_t waiting;		/* bit n: CPU n has not answered */
};

/* Have every CPU of the set @targets, this one not among them, serve @call. A CPU has one call
 * under way at a time. */
void xcall_post(struct xcall *call, uint64_t targets);
/* Until all have answered; serves what others want of this CPU meanwhile. */
void xcall_wait(const struct xcall *call);
/* Answer what is in this CPU's mailbox, if anything is. In every spin loop. */
void xcall_serve(void);
/* Handler of VECTOR_XCALL; sends its own EOI. */
void xcall_irq(struct trapframe *frame);

/* Interrupts sent so far, all CPUs. */
extern uint64_t xcall_ipis_sent;

#endif
