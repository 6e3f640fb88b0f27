/* SPDX-License-Identifier: MIT */
/*
 * tid.h - thread ids: which thread a number names, and whether it was joined.
 *
 * A tid is a slot of one table and the slot's generation.  So finding a thread costs the same with
 * ten threads or ten thousand, and an old tid never names a new thread.  A slot goes through
 *
 *     free -> reserved -> alive -> ended -> free
 *
 * and is found by its owner's threads while it is alive or ended.  Everything that can fail lies
 * before "alive".  All functions: process_lock held, IRQs off; constant time but where it says so.
 */
#ifndef KERNEL_TID_H
#define KERNEL_TID_H

#include <stdbool.h>
#include <stdint.h>

struct process;
struct thread;

#define TID_SLOT_BITS	14
#define TID_SLOTS	(1u << TID_SLOT_BITS)	/* slot 0 is never used */

struct tid_slot {
	struct thread *thread;		/* NULL unless alive */
	struct process *owner;		/* NULL: free or reserved */
	struct thread *joiner;		/* who has the claim on it, and sleeps until it has ended */
	uint32_t generation;
	uint32_t next, before;		/* free list, or the owner's slots; 0: none */
};

/* A number for a thread to come, which names nothing yet; 0: all are taken. */
uint32_t tid_reserve(void);
/* From now on @tid, which was reserved, names @t of @owner. */
void tid_publish(uint32_t tid, struct thread *t, struct process *owner);
/* The slot that @tid names in @owner (not NULL), alive or ended; or NULL. */
struct tid_slot *tid_find(const struct process *owner, uint32_t tid);
/* The slot of a thread that lives. */
struct tid_slot *tid_slot_of(uint32_t tid);
/* Joined, or never published: @tid names nothing any more, and its slot may serve again. */
void tid_release(uint32_t tid);
void tid_release_slot(struct tid_slot *s);
/* @owner is dead: release up to @n of its slots. True when none is left. Time grows with @n. */
bool tid_release_some(struct process *owner, unsigned n);
/* Slots that are not free: for balances. */
uint32_t tid_slots_used(void);

#endif
