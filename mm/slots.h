/* SPDX-License-Identifier: MIT */
/*
 * slots.h - areas of equal slots for stacks: in each a guard page, then a stack.
 *
 * A slot is in use, free (with frames, in its owner's list), bare (without, in a bitmap), or was
 * never used.
 */
#ifndef MM_SLOTS_H
#define MM_SLOTS_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/sync/spinlock.h"
#include "mm/layout.h"

#define SLOTS_MAX	32768u		/* of each pool: twice as many as there are tids */
#define SLOTS_AT_ONCE	6		/* that one step takes the frames from */

/* Its owner fills in the first part. */
struct slot_pool {
	const char *name;		/* of its stacks, for a panic */
	uint64_t base;
	unsigned slot_pages, stack_pages;	/* a divisor of 512; at most KSTACK_PAGES */
	/* Give the frames of a few free slots back, as pools_shrink() of mm/reclaim.h. */
	bool (*shrink)(void);

	struct spinlock lock;		/* what follows, and its owner's list of free slots */
	uint32_t slots;			/* used so far */
	uint32_t bare_count;
	uint64_t bare[SLOTS_MAX / 64];	/* bit per slot */
	struct slot_pool *next;
};

/* A slot with zeroed frames, mapped in the kernel half: its lowest stack address, and the first
 * frame's in *@pa. 0 when memory or the slots are used up. The pool's lock held. */
uint64_t slot_new(struct slot_pool *p, uint64_t *pa);
/* Free the frames of the @n slots at @va[], SLOTS_AT_ONCE at most, which are in no list; their
 * addresses can be had again. Waits for all CPUs. IRQs off, no lock held. */
void slots_bare(struct slot_pool *p, const uint64_t *va, unsigned n);

/* Have a pool give frames of free slots back. False when none has any. IRQs off, no lock held;
 * waits for all CPUs. */
bool slots_shrink(void);
/* The name of the stack whose guard page has @va, or NULL. Any context. */
const char *slots_guard_of(uint64_t va);

/* For tests, while nothing else runs: what is wrong with @p, or NULL; how many slots have
 * frames. */
const char *slots_check(const struct slot_pool *p);
uint32_t slots_with_frames(const struct slot_pool *p);

#endif
