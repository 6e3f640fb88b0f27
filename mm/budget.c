/* SPDX-License-Identifier: MIT */
/* budget.c - charging a process's memory and tasks to it and to everybody above it. */
#include "mm/budget.h"
#include "kernel/abi.h"
#include "kernel/console/panic.h"
#include "kernel/sync/spinlock.h"
#include "mm/heap.h"

struct budget budget_root = { .refs = 1 };

static struct spinlock budget_lock;	/* every budget's counts */

void budget_init_root(uint64_t frames, uint64_t tasks)
{
	budget_root.frames_limit = frames;
	budget_root.tasks_limit = tasks;
}

/* The root's only child is the first process, which is the machine's owner. */
static uint64_t share(const struct budget *parent, uint64_t limit)
{
	return parent->parent ? limit / 4 * 3 : limit;
}

struct budget *budget_create(struct budget *parent, int *err)
{
	struct budget *b;

	*err = parent->depth == BUDGET_DEPTH_MAX ? -EAGAIN : -ENOMEM;
	b = parent->depth == BUDGET_DEPTH_MAX ? NULL : kzalloc(sizeof(*b));
	if (!b)
		return NULL;
	b->parent = parent;
	b->refs = 1;
	b->depth = parent->depth + 1;
	b->frames_limit = share(parent, parent->frames_limit);
	b->tasks_limit = share(parent, parent->tasks_limit);
	spin_lock_checked(&budget_lock);
	parent->refs++;
	spin_unlock(&budget_lock);
	return b;
}

void budget_put(struct budget *b)
{
	while (b) {		/* at most BUDGET_DEPTH_MAX times */
		struct budget *parent = b->parent;
		bool last;

		spin_lock_checked(&budget_lock);
		last = !--b->refs;
		spin_unlock(&budget_lock);
		if (!last)
			return;
		if (b->frames || b->tasks)
			panic("budget freed with %lu frames and %lu tasks charged", b->frames,
			      b->tasks);
		kfree(b);
		b = parent;
	}
}

/* budget_lock held. From @b up to, and without, @end. */
static void give_back(struct budget *b, const struct budget *end, uint64_t frames, uint64_t tasks)
{
	for (; b != end; b = b->parent) {
		if (b->frames < frames || b->tasks < tasks)
			panic("budget: %lu frames and %lu tasks given back of %lu and %lu", frames,
			      tasks, b->frames, b->tasks);
		b->frames -= frames;
		b->tasks -= tasks;
	}
}

bool budget_charge(struct budget *b, uint64_t frames, uint64_t tasks)
{
	struct budget *at = b;

	spin_lock_checked(&budget_lock);
	for (; at; at = at->parent) {
		if (frames > at->frames_limit - at->frames || tasks > at->tasks_limit - at->tasks)
			break;
		at->frames += frames;
		at->tasks += tasks;
	}
	if (at)
		give_back(b, at, frames, tasks);
	spin_unlock(&budget_lock);
	return !at;
}

void budget_return(struct budget *b, uint64_t frames, uint64_t tasks)
{
	spin_lock_checked(&budget_lock);
	give_back(b, NULL, frames, tasks);
	spin_unlock(&budget_lock);
}
