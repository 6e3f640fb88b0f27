/* SPDX-License-Identifier: MIT */
/*
 * runqueue.h - one CPU's ready threads and timed sleepers. Pure: the caller has the queue's lock.
 *
 * Each class (priority) has a list for each kind of thread: those that may run anywhere, those that
 * may run on one CPU only, and the others. Within a class whoever was appended first is taken
 * first, whatever its kind. The kinds are for thieves: they find at once who may run anywhere, and
 * never look at who may not move. Of the others they look at RUNQUEUE_LOOK in each class. So a
 * thread of that kind that waits after as many of its kind and class, none of which may run on the
 * thief's CPU, is not stolen and offered to nobody: it waits for its turn here, as all do, and is
 * found when those before it have had theirs.
 *
 * All operations take a bounded time.
 */
#ifndef KERNEL_RUNQUEUE_H
#define KERNEL_RUNQUEUE_H

#include <stddef.h>
#include "kernel/lib/list.h"
#include "kernel/sched/sleepers.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spinlock.h"

#define RUNQUEUE_LOOK	32u
#define ANY_CPU		(~0ul)		/* homes of a thread that may run anywhere */

enum runqueue_kind { KIND_ANYWHERE, KIND_SOMEWHERE, KIND_PINNED, KIND_COUNT };

#define RUNQUEUE_LISTS	(PRIORITY_COUNT * KIND_COUNT)
#define RUNQUEUE_ANYWHERE (1u << 0 * KIND_COUNT | 1u << 1 * KIND_COUNT | 1u << 2 * KIND_COUNT)

struct runqueue {
	struct spinlock lock;
	uint32_t ready;			/* bit n: lists[n] has a thread */
	struct list lists[RUNQUEUE_LISTS];	/* n: priority * KIND_COUNT + kind */
	uint32_t tick_hz;		/* wanted while the CPU runs threads */
	bool tick_rests;		/* stopped for the idle time */
	uint64_t appended;
	struct sleepers sleepers;
	struct thread *leaving;		/* whom the last change of stacks left */
};

static inline struct thread *thread_of_link(const struct list *link)
{
	return LIST_OBJECT(link, struct thread, link);
}

static inline struct thread *thread_of_sleeper(const struct sleeper *s)
{
	return LIST_OBJECT(s, struct thread, sleeper);
}

void runqueue_init(struct runqueue *q);
/* The kind of a thread that may not run anywhere. */
enum runqueue_kind runqueue_kind(const struct thread *t);
/* Of the lists of the class of list @n, which has a thread, that whose first thread was appended
 * first. */
unsigned runqueue_oldest(const struct runqueue *q, unsigned n);

static inline unsigned runqueue_list(const struct thread *t)
{
	return t->priority * KIND_COUNT +
	       (__builtin_expect(t->homes == ANY_CPU, 1) ? KIND_ANYWHERE : runqueue_kind(t));
}

/* Does a thread wait that is as urgent as @priority, or more? */
static inline bool runqueue_has(const struct runqueue *q, uint32_t priority)
{
	return q->ready & ((1u << KIND_COUNT << priority * KIND_COUNT) - 1);
}

/* t->state becomes THREAD_QUEUED. */
static inline void runqueue_append(struct runqueue *q, struct thread *t)
{
	unsigned n = runqueue_list(t);

	t->state = THREAD_QUEUED;
	t->appended = q->appended++;
	list_append(&q->lists[n], &t->link);
	q->ready |= 1u << n;
}

/* The most urgent thread, taken out, or NULL; its state is the caller's to set. */
static inline struct thread *runqueue_take(struct runqueue *q)
{
	struct list *link;
	unsigned n;

	if (!q->ready)
		return NULL;
	n = __builtin_ctz(q->ready);
	if (__builtin_expect(q->ready & ~RUNQUEUE_ANYWHERE, 0))
		n = runqueue_oldest(q, n);
	link = list_take_first(&q->lists[n]);
	if (list_empty(&q->lists[n]))
		q->ready &= ~(1u << n);
	return thread_of_link(link);
}

/* A thread that may run on CPU @cpu, of the most urgent class that has one, taken out; or NULL. */
struct thread *runqueue_steal(struct runqueue *q, uint32_t cpu);
void runqueue_remove(struct runqueue *q, struct thread *t);	/* it becomes THREAD_READY */
/* Bit n: runqueue_steal() has a thread for CPU n. */
uint64_t runqueue_affinity(const struct runqueue *q);

/* For tests: what is wrong with CPU @cpu's queue, or NULL. Walks all of it. */
const char *runqueue_check(struct runqueue *q, const struct cpu *cpu);

#endif
