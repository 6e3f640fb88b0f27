/* SPDX-License-Identifier: MIT */
/* reclaim.h - the kernel's own pools shrink when memory is short. */
#ifndef MM_RECLAIM_H
#define MM_RECLAIM_H

#include <stdbool.h>

/*
 * One step, of at most 5,000 instructions and the time that other CPUs take to answer: frames of
 * free kernel stacks, trampolines and heap blocks go back to the allocator.  True: call again,
 * perhaps there are more.  False: the pools have nothing to give.  System-call context: kernel
 * table, IRQs off, no lock held.
 */
bool pools_shrink(void);

#endif
