/* SPDX-License-Identifier: MIT */
/*
 * check_budgets.c - what is charged, from the processes up.
 *
 * A budget holds what its own process takes and what the budgets below it hold.  So it is added up
 * anew, in a field that nobody else uses.  A process that is being started is charged already, and
 * nobody can find it; but its budget holds a reference to the one above.  Where there is none such
 * the sums are exact.
 */
#include "kernel/object/process.h"
#include "mm/budget.h"
#include "mm/heap.h"
#include "mm/layout.h"
#include "tests/kernel/invariants.h"

#define PROCESS_FRAMES	3		/* as in kernel/object/process.c */
#define UNIT_FRAMES	(KSTACK_PAGES + 2)	/* as in kernel/object/thread.c */

static uint64_t own_frames(const struct process *p)
{
	return PROCESS_FRAMES + UNIT_FRAMES * p->thread_units + (p->as ? p->as->charged : 0);
}

static uint64_t own_tasks(const struct process *p)
{
	return 1 + p->thread_units;
}

#define EACH_PROCESS(p) struct process *p = process_next(NULL); p; p = process_next(p)
#define EACH_BUDGET(b, p) struct budget *b = (p)->budget; b; b = b->parent

static void forget(void)
{
	budget_root.found = 0;
	for (EACH_PROCESS(p))
		for (EACH_BUDGET(b, p))
			b->found = 0;
}

/* A budget that is met for the first time counts as a reference to the one above. */
static void count_references(const struct process *p)
{
	for (EACH_BUDGET(b, p))
		if (b->found++)
			return;
}

static const char *check_references(struct invariants *i)
{
	uint64_t more = budget_root.refs - 1 - budget_root.found;

	for (EACH_PROCESS(p)) {
		for (EACH_BUDGET(b, p)) {
			if (b == &budget_root || !b->found)
				break;
			MUST(b->refs >= b->found,
			     "process %u: a budget has %u references, and %lu are known", p->pid,
			     b->refs, b->found);
			more += b->refs - b->found;
			b->found = 0;
		}
	}
	MUST(more <= i->spawning,
	     "budgets have %lu references too many, and %lu threads start programs", more,
	     i->spawning);
	i->unpublished = more;
	return NULL;
}

static const char *compare(const struct process *p, const struct budget *b, uint64_t charged,
			   bool exact, const char *what)
{
	MUST(exact ? charged == b->found : charged >= b->found,
	     "process %u: the budget of generation %u is charged %lu %s, and %lu are taken", p->pid,
	     b->depth, charged, what, b->found);
	return NULL;
}

static const char *check_sum(uint64_t (*own)(const struct process *p), bool tasks, bool exact)
{
	const char *wrong = NULL;

	forget();
	for (EACH_PROCESS(p))
		for (EACH_BUDGET(b, p))
			b->found += own(p);
	for (EACH_PROCESS(p))
		for (EACH_BUDGET(b, p))
			if (!wrong)
				wrong = compare(p, b, tasks ? b->tasks : b->frames, exact,
						tasks ? "tasks" : "frames");
	return wrong;
}

static const char *check_budget(const struct process *p)
{
	MUST(heap_holds(p->budget, sizeof(*p->budget)),
	     "process %u: its budget is no object of the heap", p->pid);
	for (EACH_BUDGET(b, p)) {
		MUST(b->frames <= b->frames_limit && b->tasks <= b->tasks_limit,
		     "process %u: the budget of generation %u is beyond its limit", p->pid,
		     b->depth);
		MUST(!b->parent || b->depth == b->parent->depth + 1,
		     "process %u: its budget's generation is wrong", p->pid);
	}
	return NULL;
}

const char *check_budgets(struct invariants *i)
{
	const char *wrong = NULL;

	for (EACH_PROCESS(p))
		if ((wrong = check_budget(p)))
			return wrong;
	forget();
	for (EACH_PROCESS(p))
		count_references(p);
	wrong = check_references(i);
	if (!wrong)
		wrong = check_sum(own_frames, false, !i->unpublished);
	if (!wrong)
		wrong = check_sum(own_tasks, true, !i->unpublished);
	return wrong;
}
