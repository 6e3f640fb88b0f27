/* SPDX-License-Identifier: MIT */
/* tid.c - the table of thread ids. */
#include "kernel/object/tid.h"
#include <stddef.h>
#include "kernel/object/process_internal.h"

struct tid_slot tid_slots[TID_SLOTS];

/* Slots that were never used come first, then that which has been free longest: so a number
 * comes again after as many threads as there are numbers, and not after as many as a slot has
 * generations. */
static uint32_t fresh_slot = 1, first_free, last_free;

static uint32_t free_index(void)
{
	uint32_t i = first_free;

	if (fresh_slot < TID_SLOTS)
		return fresh_slot++;
	if (i)
		first_free = tid_slots[i].next;
	return i;
}

static void add_free(uint32_t i)
{
	tid_slots[i].next = 0;
	if (first_free)
		tid_slots[last_free].next = i;
	else
		first_free = i;
	last_free = i;
}

uint32_t tid_take(struct thread *t, struct process *owner)
{
	uint32_t i = free_index();
	struct tid_slot *s = &tid_slots[i];

	if (!i)
		return 0;
	s->before = 0;
	s->next = owner->tids;
	if (s->next)
		tid_slots[s->next].before = i;
	owner->tids = i;
	s->joiner = NULL;
	s->thread = t;
	s->owner = owner;
	return i | s->generation << TID_SLOT_BITS;
}

static void unlink_from(struct process *owner, const struct tid_slot *s)
{
	if (s->before)
		tid_slots[s->before].next = s->next;
	else
		owner->tids = s->next;
	if (s->next)
		tid_slots[s->next].before = s->before;
}

static void release(struct process *owner, struct tid_slot *s)
{
	unlink_from(owner, s);
	s->owner = NULL;
	s->thread = NULL;
	/* tids stay positive numbers */
	s->generation = (s->generation + 1) & (UINT32_MAX >> TID_SLOT_BITS >> 1);
	add_free(s - tid_slots);
}

void tid_release(struct tid_slot *s)
{
	release(s->owner, s);
}

bool tid_release_some(struct process *owner, unsigned n)
{
	while (owner->tids && n--)
		release(owner, &tid_slots[owner->tids]);
	return !owner->tids;
}

uint32_t tid_slots_used(void)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < fresh_slot; i++)
		n += tid_slots[i].owner != NULL;
	return n;
}

const char *tid_check(void)
{
	uint32_t n = 0, last = 0;

	for (uint32_t i = first_free; i && n < TID_SLOTS; last = i, i = tid_slots[i].next, n++)
		if (i >= fresh_slot || tid_slots[i].owner || tid_slots[i].thread)
			return "the list of free thread ids has one that is taken";
	if (n && last != last_free)
		return "the last free thread id is another than the list's end";
	return n + tid_slots_used() == fresh_slot - 1 ? NULL :
							"a thread id is neither free nor taken";
}
