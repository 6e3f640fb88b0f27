/* SPDX-License-Identifier: MIT */
/*
 * budget.h - how much of the machine a process and all that it started may use.
 *
 * Budgets form a tree as processes do: what a process takes is charged to its own budget and to
 * every one above it, and a budget's limit is three quarters of its parent's.  So no child can
 * starve the process that started it, nor what else that process started, and a program that starts
 * programs gains nothing by it.  Frames are 4 KiB of memory of whatever kind; tasks are processes
 * and threads that exist, the ended ones that nobody has asked after included.
 *
 * All functions: any context with IRQs off or on; they take one lock, under which nothing else is
 * taken.
 */
#ifndef MM_BUDGET_H
#define MM_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_DEPTH_MAX 12	/* generations: every charge walks up as many */

struct budget {
	struct budget *parent;	/* NULL: the root */
	uint32_t refs;		/* its process, and the budgets below */
	uint32_t depth;
	uint64_t frames, frames_limit;
	uint64_t tasks, tasks_limit;
	uint64_t found;		/* for tests (tests/kernel/invariants.h): summed up from below */
};

/* The machine's: everything. Set up once, before the first budget_create(). */
extern struct budget budget_root;
void budget_init_root(uint64_t frames, uint64_t tasks);

/* A budget below @parent, with nothing charged, one reference. The first below the root has all
 * of it: the first process. *@err is -ENOMEM or, at BUDGET_DEPTH_MAX, -EAGAIN where NULL is
 * returned. */
struct budget *budget_create(struct budget *parent, int *err);
/* Give the reference back; nothing is charged to it any more but what its descendants have. */
void budget_put(struct budget *b);

/* Charge to @b and all above it. False: a limit is in the way, and nothing has changed. */
bool budget_charge(struct budget *b, uint64_t frames, uint64_t tasks);
/* Give back what was charged. */
void budget_return(struct budget *b, uint64_t frames, uint64_t tasks);

#endif
