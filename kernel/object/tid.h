/* SPDX-License-Identifier: MIT */
/*
 * tid.h - thread ids: which thread a number names, and whether it was joined.
 *
 * A tid is a slot of one table and the slot's generation.  So finding a thread costs the same with
 * ten threads or ten thousand. An old tid names no new thread before half a billion others came.  A
 * slot goes through
 *
 *     free -> alive -> ended -> free
 *
 * and is found by its owner's threads while it is alive or ended.  All functions: process_lock
 * held, IRQs off; constant time but where it says so.
 */
#ifndef KERNEL_TID_H
#define KERNEL_TID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process;
struct thread;

#define TID_SLOT_BITS	14
#define TID_SLOTS	(1u << TID_SLOT_BITS)	/* slot 0 is never used */

struct tid_slot {
	struct thread *thread;		/* NULL unless alive */
	struct process *owner;		/* NULL: free */
	struct thread *joiner;		/* who has the claim on it, and sleeps until it has ended */
	uint32_t generation;
	uint32_t next, before;		/* free list, or the owner's slots; 0: none */
};

/* A number that names @t of @owner from now on; 0: all are taken, and nothing has changed. */
uint32_t tid_take(struct thread *t, struct process *owner);

extern struct tid_slot tid_slots[TID_SLOTS];

/* The slot of a thread that lives. */
static inline struct tid_slot *tid_slot_of(uint32_t tid)
{
	return &tid_slots[tid & (TID_SLOTS - 1)];
}

/* The slot that @tid names in @owner (not NULL), alive or ended; or NULL. */
static inline struct tid_slot *tid_find(const struct process *owner, uint32_t tid)
{
	struct tid_slot *s = tid_slot_of(tid);

	return s->owner == owner && s->generation == tid >> TID_SLOT_BITS ? s : NULL;
}

/* Joined: its number names nothing any more, and it may serve again. */
void tid_release(struct tid_slot *s);
/* @owner is dead: release up to @n of its slots. True when none is left. Time grows with @n. */
bool tid_release_some(struct process *owner, unsigned n);
/* Slots that are not free, counted one by one: for balances in tests. */
uint32_t tid_slots_used(void);
/* For tests: what is wrong with the list of free slots, or NULL. */
const char *tid_check(void);

#endif
