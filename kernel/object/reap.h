/* SPDX-License-Identifier: MIT */
/* reap.h - memory of the dead: freed bit by bit, by whoever has time or needs it. */
#ifndef KERNEL_REAP_H
#define KERNEL_REAP_H

#include <stdbool.h>

/*
 * A dead thread's stacks, a dead process's space and what hangs on it are freed in steps of a few
 * thousand instructions.  A step runs with IRQs off from its beginning to its end, so between two
 * of them nobody holds anything, and any CPU goes on with any of it.  All: on a thread's kernel
 * stack, kernel table, IRQs off, no lock held.
 */

/* One step. False: nothing is left to do. */
bool reap_step(void);
/* One step if a thread is dead: the share of whoever makes or joins threads, so that the dead do
 * not pile up. */
void reap_some(void);
/* Until nothing is left. Lets interrupts and other threads in, and then goes on whatever they
 * want. */
void reap(void);
/* The same, and wait for the steps that other CPUs are in the middle of: what was dead before has
 * been freed. */
void reap_all(void);
/* Something that the dead may hold is short, or @memory, which the kernel's pools hold too. What
 * was dead when this was called has given it back at return, whoever did the work; who dies
 * meanwhile is not waited for, or a program could make others wait for as long as it likes. So
 * another try is worth it, once. Lets interrupts and other threads in; returns early when the
 * process is dying, not when the thread is to stop. */
void reclaim(bool memory);

/* For tests: @p is on the list of those that are taken apart. */
struct process;
bool teardown_pending(const struct process *p);

#endif
