/* SPDX-License-Identifier: MIT */
/*
 * world.h - all CPUs but one stand still, at a place where they hold nothing.
 *
 * An interrupt has them do it.  So each stands in a program, in the idle loop, or at a point
 * (irq_window()): no lock is held then, no queue is half changed, and no flush is waited for.  What
 * stands there may be in the middle of a long operation all the same: a program that is not started
 * yet, a range that is half unmapped.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <stdint.h>

/* What a CPU that stands has in its CR3, in LSTAR, and as the base of its IDT. */
extern uint64_t world_cr3[], world_lstar[], world_idt[];

/* From the return of the first until the second nothing else runs. Kernel table, IRQs off, no
 * lock held. The first may wait for another that does the same, and lets interrupts in
 * meanwhile: what was read of this CPU is stale then. */
void world_stop(void);
void world_go(void);

#endif
