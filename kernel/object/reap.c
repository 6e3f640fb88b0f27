/* SPDX-License-Identifier: MIT */
/*
 * reap.c - the dead give back what they had, in steps.
 *
 * The idle CPUs do most of it.  Where none is idle the dead wait until somebody is short of
 * memory, and then everything is freed before anybody is refused (reclaim()).  The oldest come
 * first.
 */
#include "kernel/object/reap.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/object/process_internal.h"
#include "kernel/object/tid.h"
#include "kernel/sched/sched.h"
#include "kernel/sync/spinlock.h"
#include "mm/aspace.h"
#include "mm/reclaim.h"

#define TIDS_AT_ONCE 32			/* in one step */
#define ORPHANS_AT_ONCE 4		/* likewise; each may be a process to free, and that
					 * gives back to BUDGET_DEPTH_MAX budgets */
#define SHRINKS_MAX 65536u		/* steps that the largest pools need */

static struct list teardowns = LIST_INIT(teardowns);	/* all that are not done; under
							 * process_lock */
static uint64_t last_ticket;				/* likewise */
static uint32_t step_of[MAX_CPUS];	/* odd while the CPU is in the middle of a step */

/* --- steps --------------------------------------------------------------------- */

/* A step begins, or ends. On one CPU, for IRQs are off in between. */
static void step_mark(void)
{
	uint32_t *step = &step_of[this_cpu()->index];

	__atomic_store_n(step, *step + 1, __ATOMIC_SEQ_CST);
}

/* Until the steps that other CPUs are in have ended, as each does by itself. Lets interrupts in. */
static void wait_for_steps(void)
{
	for (uint32_t i = 0; i < cpu_count; i++) {
		uint32_t was = __atomic_load_n(&step_of[i], __ATOMIC_SEQ_CST);

		while (was & 1 && __atomic_load_n(&step_of[i], __ATOMIC_SEQ_CST) == was) {
			irq_window();
			cpu_pause();
		}
	}
}

/* --- processes ------------------------------------------------------------------ */

static bool any_teardown(void)
{
	return __atomic_load_n(&teardowns.next, __ATOMIC_RELAXED) != &teardowns;
}

void teardown_add(struct process *p)
{
	p->teardown_ticket = ++last_ticket;
	list_append(&teardowns, &p->teardown);
}

/* The oldest that no CPU is at, now ours; or NULL. */
static struct process *teardown_take(void)
{
	struct process *p = NULL;

	if (!any_teardown())
		return NULL;
	spin_lock(&process_lock);
	LIST_EACH(at, &teardowns) {	/* no further than there are CPUs */
		struct process *oldest = LIST_OBJECT(at, struct process, teardown);

		if (!oldest->teardown_busy) {
			p = oldest;
			p->teardown_busy = true;
			break;
		}
	}
	spin_unlock(&process_lock);
	return p;
}

static void free_all(struct list *freed)
{
	while (!list_empty(freed))
		process_free(LIST_OBJECT(list_take_first(freed), struct process, teardown));
}

/* Some tids and children of @p. True when none is left. */
static bool release_some(struct process *p)
{
	struct list freed = LIST_INIT(freed);
	bool done;

	spin_lock(&process_lock);
	done = tid_release_some(p, TIDS_AT_ONCE) &&
	       process_orphan_some(p, ORPHANS_AT_ONCE, &freed);
	if (done)
		thread_units_return(p);
	spin_unlock(&process_lock);
	free_all(&freed);
	return done;
}

/* The space comes first: it is what others wait for. True when nothing is left. */
static bool teardown_more(struct process *p)
{
	if (!p->as)
		return release_some(p);
	if (aspace_destroy_step(p->as))
		p->as = NULL;
	return false;
}

static void teardown_one(struct process *p)
{
	bool done = teardown_more(p), last = false;

	spin_lock(&process_lock);
	p->teardown_busy = false;
	if (done) {
		list_remove(&p->teardown);
		last = process_put(p);
	}
	spin_unlock(&process_lock);
	if (last)
		process_free(p);
}

/* False: nothing is left that no other CPU is at. */
static bool teardown_step(void)
{
	struct process *p;

	step_mark();
	p = teardown_take();
	if (p)
		teardown_one(p);
	step_mark();
	return p;
}

/* --- threads --------------------------------------------------------------------- */

/* @t's memory counts as its process's no more. After the last the process is torn down. */
static void forget(struct process *p, struct thread *t)
{
	spin_lock(&process_lock);
	list_remove(&t->sibling);
	if (!--p->unreaped_threads && p->dead)
		teardown_add(p);
	spin_unlock(&process_lock);
}

static void thread_one(struct thread *t)
{
	if (t->process) {
		t->design->retire_thread(t);
		forget(t->process, t);
	}
	thread_free(t);
}

static bool thread_step(void)
{
	struct thread *t;

	step_mark();
	t = sched_take_dead();
	if (t)
		thread_one(t);
	step_mark();
	return t;
}

/* --- who does them ----------------------------------------------------------------- */

bool reap_step(void)
{
	return thread_step() || teardown_step();
}

void reap_some(void)
{
	if (sched_any_dead())
		thread_step();
}

void reap(void)
{
	while (reap_step())
		sched_point();
}

void reap_all(void)
{
	do {
		reap();
		wait_for_steps();
	} while (sched_any_dead() || any_teardown());
}

/* --- for want of something ----------------------------------------------------------- */

/* True: the process is dying, and nothing is short any more. */
static bool point(void)
{
	sched_point();
	return current_thread()->process->dying;
}

/* Threads that are dead by now; those who die meanwhile come after them. */
static bool reclaim_threads(void)
{
	for (uint64_t n = sched_dead_count(); n && thread_step(); n--)
		if (point())
			return false;
	wait_for_steps();
	return true;
}

/* Is any left whose turn came no later than @ticket's? */
static bool any_until(uint64_t ticket)
{
	bool any;

	spin_lock(&process_lock);
	any = any_teardown() &&
	      LIST_OBJECT(teardowns.next, struct process, teardown)->teardown_ticket <= ticket;
	spin_unlock(&process_lock);
	return any;
}

static bool reclaim_processes(void)
{
	uint64_t ticket = __atomic_load_n(&last_ticket, __ATOMIC_RELAXED);

	while (any_until(ticket)) {
		if (!teardown_step())
			wait_for_steps();
		if (point())
			return false;
	}
	wait_for_steps();	/* the last of them may be about to give back what it is itself */
	return true;
}

static bool shrink_step(void)
{
	bool did;

	step_mark();
	did = pools_shrink();
	step_mark();
	return did;
}

void reclaim(bool memory)
{
	if (!reclaim_threads() || !reclaim_processes() || !memory)
		return;
	for (unsigned n = 0; n < SHRINKS_MAX && shrink_step(); n++)
		if (point())
			return;
	wait_for_steps();
}

/* --- for tests ------------------------------------------------------------------------- */

bool teardown_pending(const struct process *p)
{
	LIST_EACH(at, &teardowns)
		if (at == &p->teardown)
			return true;
	return false;
}
