/* SPDX-License-Identifier: MIT */
/* runqueue.c - one CPU's ready threads and timed sleepers. */
#include "kernel/runqueue.h"

void runqueue_append(struct runqueue *q, struct thread *t)
{
	unsigned p = t->priority;

	t->state = THREAD_READY;
	t->queued = true;
	t->queue_next = NULL;
	if (q->class[p].head)
		q->class[p].tail->queue_next = t;
	else
		q->class[p].head = t;
	q->class[p].tail = t;
	q->ready |= 1u << p;
}

struct thread *runqueue_take(struct runqueue *q)
{
	struct thread *t;
	unsigned p;

	if (!q->ready)
		return NULL;
	p = __builtin_ctz(q->ready);
	t = q->class[p].head;
	q->class[p].head = t->queue_next;
	if (!t->queue_next)
		q->ready &= ~(1u << p);
	t->queued = false;
	return t;
}

void runqueue_remove(struct runqueue *q, struct thread *t)
{
	unsigned p = t->priority;	/* unchanged since it was appended */
	struct thread *before = NULL, *at = q->class[p].head;

	for (; at != t; at = at->queue_next)
		before = at;
	if (before)
		before->queue_next = t->queue_next;
	else
		q->class[p].head = t->queue_next;
	if (q->class[p].tail == t)
		q->class[p].tail = before;
	if (!q->class[p].head)
		q->ready &= ~(1u << p);
	t->queued = false;
}

struct thread *runqueue_steal(struct runqueue *q, uint32_t cpu)
{
	for (unsigned p = 0; p < PRIORITY_COUNT; p++) {
		for (struct thread *t = q->class[p].head; t; t = t->queue_next) {
			if (t->affinity >> cpu & 1) {
				runqueue_remove(q, t);
				return t;
			}
		}
	}
	return NULL;
}

uint64_t runqueue_affinity(const struct runqueue *q)
{
	uint64_t any = 0;

	for (uint32_t left = q->ready; left && ~any; left &= left - 1)
		for (const struct thread *t = q->class[__builtin_ctz(left)].head; t && ~any; t = t->queue_next)
			any |= t->affinity;
	return any;
}

void runqueue_add_sleeper(struct runqueue *q, struct thread *t, uint64_t wake_at)
{
	struct thread **at = &q->sleepers;

	while (*at && (*at)->wake_at <= wake_at)
		at = &(*at)->sleep_next;
	t->wake_at = wake_at;
	t->sleep_next = *at;
	*at = t;
}

void runqueue_remove_sleeper(struct runqueue *q, struct thread *t)
{
	struct thread **at = &q->sleepers;

	while (*at != t)
		at = &(*at)->sleep_next;
	*at = t->sleep_next;
	t->wake_at = 0;
}
