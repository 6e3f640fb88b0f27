/* SPDX-License-Identifier: MIT */
/* test_budget.c - budgets form a tree, and what a space takes is charged to one of them. */
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/object/process_internal.h"
#include "kernel/object/tid.h"
#include "kernel/sched/sched.h"
#include "mm/aspace.h"
#include "mm/budget.h"
#include "mm/pagetable.h"
#include "tests/kernel/ktest.h"
#include "tests/kernel/stage.h"

#define FRAMES 1000
#define TASKS 100

/* A machine's owner below the root, and a child of his. */
struct family {
	struct budget root;
	struct budget *owner, *child;
};

static void begin(struct family *f)
{
	int err;

	f->root = (struct budget){ .refs = 1, .frames_limit = FRAMES, .tasks_limit = TASKS };
	f->owner = budget_create(&f->root, &err);
	f->child = budget_create(f->owner, &err);
}

/* All was given back, or budget_put() panics. */
static void end(struct family *f)
{
	budget_put(f->child);
	budget_put(f->owner);
}

KTEST(a_budget_is_three_quarters_of_its_parents)
{
	struct family f;

	begin(&f);
	KCHECK(f.owner->frames_limit == FRAMES && f.owner->tasks_limit == TASKS);
	KCHECK(f.child->frames_limit == FRAMES / 4 * 3 && f.child->tasks_limit == TASKS / 4 * 3);
	end(&f);
	KCHECK(f.root.refs == 1);
}

KTEST(what_is_charged_counts_all_the_way_up)
{
	struct family f;

	begin(&f);
	KCHECK(budget_charge(f.child, 10, 2));
	KCHECK(f.child->frames == 10 && f.owner->frames == 10 && f.root.frames == 10);
	KCHECK(f.child->tasks == 2 && f.owner->tasks == 2 && f.root.tasks == 2);
	budget_return(f.child, 10, 2);
	KCHECK(!f.child->frames && !f.owner->frames && !f.root.frames && !f.root.tasks);
	end(&f);
}

/* Whoever refuses, the child's own or one above it, and whatever of: nothing has changed then. */
KTEST(a_limit_anywhere_refuses_and_changes_nothing)
{
	struct family f;

	begin(&f);
	KCHECK(!budget_charge(f.child, FRAMES / 4 * 3 + 1, 0));
	KCHECK(!budget_charge(f.child, 0, TASKS / 4 * 3 + 1));
	KCHECK(!budget_charge(f.child, ~0ul, 0) && !budget_charge(f.child, 1, ~0ul));
	KCHECK(budget_charge(f.owner, FRAMES / 2, 0));
	KCHECK(!budget_charge(f.child, FRAMES / 2 + 1, 1));
	KCHECK(!f.child->frames && !f.child->tasks && f.owner->frames == FRAMES / 2 &&
	       !f.owner->tasks);
	KCHECK(budget_charge(f.child, FRAMES / 2, 1));
	budget_return(f.child, FRAMES / 2, 1);
	budget_return(f.owner, FRAMES / 2, 0);
	end(&f);
}

KTEST(generations_end)
{
	struct budget root = { .refs = 1, .frames_limit = FRAMES, .tasks_limit = TASKS };
	struct budget *b = &root;
	int err = 0;
	unsigned n = 0;

	for (struct budget *next; (next = budget_create(b, &err)); n++)
		b = next;
	KCHECK(n == BUDGET_DEPTH_MAX && err == -EAGAIN);
	while (b != &root) {
		struct budget *parent = b->parent;

		budget_put(b);
		b = parent;
	}
	KCHECK(root.refs == 1);
}

/* Pages, their tables, and regions without any. */
KTEST(a_space_stays_within_its_budget)
{
	struct family f;
	struct aspace *as;
	uint64_t at = 0;
	unsigned pages = 0, regions = 0;

	begin(&f);
	as = aspace_create(f.child, boot_design);
	KCHECK(as && !aspace_map_anon(as, FRAMES * PAGE_SIZE, PTE_W | PTE_NX, &at));
	while (aspace_populate(as, at + pages * PAGE_SIZE))
		pages++;
	KCHECK(pages > FRAMES / 4 * 3 - 16 && pages < FRAMES / 4 * 3);
	KCHECK(aspace_at_limit(as));
	KCHECK(!aspace_unmap(as, at, FRAMES * PAGE_SIZE, sched_point));
	KCHECK(!aspace_at_limit(as) && f.child->frames < FRAMES / 8);
	while (!aspace_map_anon(as, PAGE_SIZE, PTE_NX, &at))
		regions++;
	KCHECK(regions > 1000 && regions <= FRAMES / 4 * 3 * 32);
	aspace_destroy(as, sched_point);
	KCHECK(!f.child->frames && !f.root.frames);
	end(&f);
}

static struct process nobody;		/* has all thread ids that are left */

static void take_all_tids(void)
{
	spin_lock(&process_lock);
	while (tid_take(NULL, &nobody))
		;
	spin_unlock(&process_lock);
}

static void give_tids_back(void)
{
	spin_lock(&process_lock);
	tid_release_some(&nobody, TID_SLOTS);
	spin_unlock(&process_lock);
}

static int publish(struct thread *t)
{
	int err;

	spin_lock(&process_lock);
	err = thread_publish(t);
	spin_unlock(&process_lock);
	return err;
}

/* Here and below the ids run out before what a process may have, which is otherwise one fewer. */
KTEST(a_thread_that_gets_no_number_costs_nothing)
{
	struct stage stage;
	struct process *p;
	struct thread *t;
	uint64_t used;

	stage_set(&stage);
	p = stage.parent;
	KCHECK(!thread_prepare(p, STAGE_AT, 0, 0, 0, &t));
	used = p->thread_units - p->spare_units;
	take_all_tids();
	KCHECK(publish(t) == -EAGAIN);
	give_tids_back();
	KCHECK(p->thread_units - p->spare_units == used && p->live_threads == 3);
	thread_discard(t);
	stage_clear(&stage);
}

/* What stays charged is a panic when its budget goes. */
KTEST(a_process_whose_thread_gets_no_number_costs_nothing)
{
	struct stage stage;
	struct process *p;
	struct thread *first;
	uint64_t tasks;
	int err;

	stage_set(&stage);
	tasks = stage.parent->budget->tasks;
	p = process_new("none", stage.parent, &err);
	KCHECK(p && (p->as = aspace_create(p->budget, boot_design)));
	KCHECK(!thread_prepare(p, STAGE_AT, 0, 0, 0, &first));
	take_all_tids();
	KCHECK(process_publish(p, first) == -EAGAIN);
	give_tids_back();
	process_discard(p, first);
	KCHECK(stage.parent->budget->tasks == tasks);
	stage_clear(&stage);
}
