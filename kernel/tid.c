/* SPDX-License-Identifier: MIT */
/* tid.c - the table of thread ids. */
#include "kernel/tid.h"
#include <stddef.h>
#include "kernel/process_internal.h"

static struct tid_slot slots[TID_SLOTS];
static uint32_t free_slot, fresh_slot = 1, used;

struct tid_slot *tid_slot_of(uint32_t tid)
{
	return &slots[tid & (TID_SLOTS - 1)];
}

struct tid_slot *tid_find(const struct process *owner, uint32_t tid)
{
	struct tid_slot *s = tid_slot_of(tid);

	return s->owner == owner && s->generation == tid >> TID_SLOT_BITS ? s : NULL;
}

uint32_t tid_reserve(void)
{
	uint32_t i = free_slot;

	if (i)
		free_slot = slots[i].next;
	else if (fresh_slot < TID_SLOTS)
		i = fresh_slot++;
	else
		return 0;
	used++;
	return i | slots[i].generation << TID_SLOT_BITS;
}

void tid_publish(uint32_t tid, struct thread *t, struct process *owner)
{
	struct tid_slot *s = tid_slot_of(tid);

	s->before = 0;
	s->next = owner->tids;
	if (s->next)
		slots[s->next].before = s - slots;
	owner->tids = s - slots;
	s->joiner = NULL;
	s->thread = t;
	s->owner = owner;
}

static void unlink_from_owner(struct tid_slot *s)
{
	if (s->before)
		slots[s->before].next = s->next;
	else
		s->owner->tids = s->next;
	if (s->next)
		slots[s->next].before = s->before;
}

void tid_release_slot(struct tid_slot *s)
{
	if (s->owner)
		unlink_from_owner(s);
	s->owner = NULL;
	s->thread = NULL;
	/* tids stay positive numbers */
	s->generation = (s->generation + 1) & (UINT32_MAX >> TID_SLOT_BITS >> 1);
	s->next = free_slot;
	free_slot = s - slots;
	used--;
}

void tid_release(uint32_t tid)
{
	tid_release_slot(tid_slot_of(tid));
}

bool tid_release_some(struct process *owner, unsigned n)
{
	while (owner->tids && n--)
		tid_release_slot(&slots[owner->tids]);
	return !owner->tids;
}

uint32_t tid_slots_used(void)
{
	return used;
}
