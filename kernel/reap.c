/* SPDX-License-Identifier: MIT */
/*
 * reap.c - the dead give back what they had, in steps.
 *
 * The idle CPUs do most of it.  Where none is idle the dead wait until somebody is short of
 * memory, and then everything is freed before anybody is refused (reclaim()).
 */
#include "kernel/reap.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/process_internal.h"
#include "kernel/sched.h"
#include "kernel/tid.h"
#include "mm/aspace.h"
#include "mm/reclaim.h"
#include "mm/tlb.h"

#define AT_ONCE 32			/* tids or children in one step */

static struct process *teardown_list;	/* under process_lock */
static uint32_t steps_running;		/* on all CPUs */

void teardown_add(struct process *p)
{
	p->teardown_next = teardown_list;
	teardown_list = p;
}

static struct process *teardown_take(void)
{
	struct process *p;

	if (!__atomic_load_n(&teardown_list, __ATOMIC_RELAXED))
		return NULL;
	spin_lock(&process_lock);
	p = teardown_list;
	if (p)
		teardown_list = p->teardown_next;
	spin_unlock(&process_lock);
	return p;
}

static void free_chain(struct process *p)
{
	while (p) {
		struct process *next = p->teardown_next;

		process_free(p);
		p = next;
	}
}

/* Tids and children of @p. True when none is left. */
static bool release_some(struct process *p)
{
	struct process *freed = NULL;
	bool done;

	spin_lock(&process_lock);
	done = tid_release_some(p, AT_ONCE) && process_orphan_some(p, AT_ONCE, &freed);
	if (done)
		thread_units_return(p);
	spin_unlock(&process_lock);
	free_chain(freed);
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

static bool teardown_step(void)
{
	struct process *p = teardown_take();
	bool done, last = false;

	if (!p)
		return false;
	done = teardown_more(p);
	spin_lock(&process_lock);
	if (done)
		last = process_put(p);
	else
		teardown_add(p);
	spin_unlock(&process_lock);
	if (last)
		process_free(p);
	return true;
}

/* @t's memory counts as its process's no more. After the last the process is torn down. */
static void forget(struct process *p, struct thread *t)
{
	spin_lock(&process_lock);
	list_remove(&t->sibling);
	if (!--p->unreaped_threads && p->dead)
		teardown_add(p);
	spin_unlock(&process_lock);
}

static bool thread_step(void)
{
	struct thread *t = sched_take_dead();

	if (!t)
		return false;
	if (t->process) {
		entry->retire_thread(t);
		forget(t->process, t);
	}
	thread_free(t);
	return true;
}

bool reap_step(void)
{
	bool did;

	__atomic_add_fetch(&steps_running, 1, __ATOMIC_SEQ_CST);
	did = thread_step() || teardown_step();
	__atomic_sub_fetch(&steps_running, 1, __ATOMIC_SEQ_CST);
	return did;
}

void reap_some(void)
{
	if (sched_any_dead())
		reap_step();
}

void reap(void)
{
	while (reap_step())
		sched_point();
}

/* Somebody else's step ends by itself: it runs with IRQs off, and serves nobody but the TLB. */
static bool steps_elsewhere(void)
{
	if (!__atomic_load_n(&steps_running, __ATOMIC_SEQ_CST))
		return false;
	tlb_serve_mailbox();
	cpu_pause();
	return true;
}

void reap_all(void)
{
	do
		reap();
	while (steps_elsewhere());
}

bool reclaim(bool memory)
{
	bool any = false;

	do {
		while (reap_step()) {
			any = true;
			if (sched_point())
				return true;
		}
	} while (steps_elsewhere() && (any = true));
	while (memory && pools_shrink()) {
		any = true;
		if (sched_point())
			return true;
	}
	return any;
}
