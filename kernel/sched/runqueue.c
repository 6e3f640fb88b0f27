/* SPDX-License-Identifier: MIT */
/* runqueue.c - one CPU's ready threads: what is not done at each switch. */
#include "kernel/sched/runqueue.h"

void runqueue_init(struct runqueue *q)
{
	for (unsigned n = 0; n < RUNQUEUE_LISTS; n++)
		list_init(&q->lists[n]);
}

enum runqueue_kind runqueue_kind(const struct thread *t)
{
	return t->homes & (t->homes - 1) ? KIND_SOMEWHERE : KIND_PINNED;
}

static struct thread *first(const struct runqueue *q, unsigned n)
{
	return thread_of_link(q->lists[n].next);
}

unsigned runqueue_oldest(const struct runqueue *q, unsigned n)
{
	unsigned end = n - n % KIND_COUNT + KIND_COUNT, oldest = n;

	for (unsigned i = n + 1; i < end; i++)
		if (q->ready >> i & 1 && first(q, i)->appended < first(q, oldest)->appended)
			oldest = i;
	return oldest;
}

void runqueue_remove(struct runqueue *q, struct thread *t)
{
	unsigned n = runqueue_list(t);	/* as when it was appended */

	list_remove(&t->link);
	if (list_empty(&q->lists[n]))
		q->ready &= ~(1u << n);
	t->state = THREAD_READY;
}

/* The first that may run on @cpu among the first RUNQUEUE_LOOK of @head's threads, or NULL. */
static struct thread *look(const struct list *head, uint32_t cpu)
{
	struct list *link = head->next;

	for (unsigned left = RUNQUEUE_LOOK; left && link != head; left--, link = link->next)
		if (thread_of_link(link)->homes >> cpu & 1)
			return thread_of_link(link);
	return NULL;
}

struct thread *runqueue_steal(struct runqueue *q, uint32_t cpu)
{
	for (unsigned n = 0; n < RUNQUEUE_LISTS; n += KIND_COUNT) {
		struct thread *t;

		if (q->ready >> n & 1)
			t = first(q, n);
		else
			t = look(&q->lists[n + KIND_SOMEWHERE], cpu);
		if (t) {
			runqueue_remove(q, t);
			return t;
		}
	}
	return NULL;
}

uint64_t runqueue_affinity(const struct runqueue *q)
{
	uint64_t any = 0;

	if (q->ready & RUNQUEUE_ANYWHERE)
		return ANY_CPU;
	for (unsigned n = KIND_SOMEWHERE; n < RUNQUEUE_LISTS; n += KIND_COUNT) {
		const struct list *head = &q->lists[n];
		struct list *link = head->next;

		for (unsigned left = RUNQUEUE_LOOK; left && link != head; left--, link = link->next)
			any |= thread_of_link(link)->homes;
	}
	return any;
}

/* --- for tests ------------------------------------------------------------------- */

static const char *check_queued(const struct thread *t, unsigned n, const struct cpu *cpu)
{
	if (t->state != THREAD_QUEUED)
		return "a thread in a queue is not THREAD_QUEUED";
	if (t->cpu != cpu)
		return "a queued thread belongs to another CPU";
	if (runqueue_list(t) != n)
		return "a queued thread is in another list than its priority and homes say";
	if (t->sleeper.wake_at)
		return "a queued thread is a timed sleeper";
	return NULL;
}

static const char *check_list(struct runqueue *q, unsigned n, const struct cpu *cpu)
{
	struct list *head = &q->lists[n];
	const struct thread *before = NULL;
	const char *wrong = NULL;

	if ((q->ready >> n & 1) == list_empty(head))
		return "the mask of lists that have threads is wrong";
	for (struct list *link = head->next; link != head && !wrong; link = link->next) {
		const struct thread *t = thread_of_link(link);

		if (link->before->next != link || link->next->before != link)
			return "a list's links do not match";
		if (before && before->appended >= t->appended)
			return "a list is not in the order of appending";
		wrong = check_queued(t, n, cpu);
		before = t;
	}
	return wrong;
}

const char *runqueue_check(struct runqueue *q, const struct cpu *cpu)
{
	const char *wrong = NULL;

	for (unsigned n = 0; n < RUNQUEUE_LISTS && !wrong; n++)
		wrong = check_list(q, n, cpu);
	return wrong;
}
