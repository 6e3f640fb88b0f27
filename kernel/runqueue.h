/* SPDX-License-Identifier: MIT */
/* runqueue.h - one CPU's ready threads and timed sleepers. Pure lists: the caller holds the queue's lock. */
#ifndef KERNEL_RUNQUEUE_H
#define KERNEL_RUNQUEUE_H

#include <stddef.h>
#include "kernel/thread.h"

struct runqueue {
	struct spinlock lock;
	uint32_t ready;			/* bit p: class p has a thread */
	uint32_t tick_hz;		/* wanted while the CPU runs threads */
	bool tick_rests;		/* stopped for the idle time */
	struct {
		struct thread *head, *tail;
	} class[PRIORITY_COUNT];
	struct thread *sleepers;	/* timed, soonest first */
	struct thread *leaving;		/* whom the last change of stacks left */
};

void runqueue_append(struct runqueue *q, struct thread *t);	/* t->state becomes THREAD_READY */
/* The most urgent thread, taken out, or NULL. */
struct thread *runqueue_take(struct runqueue *q);
/* The first thread that may run on CPU @cpu, taken out, or NULL. */
struct thread *runqueue_steal(struct runqueue *q, uint32_t cpu);
void runqueue_remove(struct runqueue *q, struct thread *t);	/* @t is in it */
uint64_t runqueue_affinity(const struct runqueue *q);	/* bit n: some thread may run on CPU n */

void runqueue_add_sleeper(struct runqueue *q, struct thread *t, uint64_t wake_at);
void runqueue_remove_sleeper(struct runqueue *q, struct thread *t);

#endif
