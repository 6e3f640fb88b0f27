/* SPDX-License-Identifier: MIT */
/*
 * check_claims.c - who waits for whom, and the thread ids of a process.
 *
 * A thread that is blocked has exactly one claim: it joins, waits, stops another, or is stopped.
 * One without would sleep for ever, and so would one whose claim came true without anybody telling
 * it.
 */
#include "kernel/object/process_internal.h"
#include "kernel/object/tid.h"
#include "tests/kernel/invariants.h"

static bool is_blocked(const struct thread *t)
{
	return t && t->state == THREAD_BLOCKED;
}

/* @t is a live thread of @p? It may be no pointer at all any more, so it is looked for. */
static bool lives_in(const struct process *p, const struct thread *t)
{
	LIST_EACH(at, &p->threads)
		if (LIST_OBJECT(at, struct thread, sibling) == t)
			return t->state != THREAD_DEAD;
	return false;
}

static const char *check_slots(const struct process *p, uint32_t *slots, uint32_t *claims)
{
	uint32_t before = 0;

	for (uint32_t i = p->tids; i; before = i, i = tid_slots[i].next) {
		const struct tid_slot *s = &tid_slots[i];

		MUST(s->owner == p && s->before == before,
		     "process %u: thread id slot %u is linked wrong", p->pid, i);
		MUST(++*slots < TID_SLOTS, "process %u: its thread ids form a ring", p->pid);
		if (!s->joiner)
			continue;
		MUST(lives_in(p, s->joiner), "process %u: a thread that is gone joins slot %u",
		     p->pid, i);
		MUST(s->joiner != s->thread, "process %u: thread %u joins itself", p->pid,
		     s->joiner->tid);
		*claims += is_blocked(s->joiner);
		MUST(s->thread || !is_blocked(s->joiner),
		     "process %u: thread %u joins one that has ended, and sleeps", p->pid,
		     s->joiner->tid);
	}
	return NULL;
}

static const char *check_stops(const struct process *p, uint32_t *claims, uint32_t *blocked)
{
	LIST_EACH(at, &p->threads) {
		const struct thread *t = LIST_OBJECT(at, struct thread, sibling);

		if (t->state == THREAD_DEAD)
			continue;
		*blocked += is_blocked(t);
		*claims += is_blocked(t) && t->stop == STOP_DONE;
		if (!t->stopper)
			continue;
		MUST(lives_in(p, t->stopper), "process %u: a thread that is gone stops thread %u",
		     p->pid, t->tid);
		MUST(t->stopper != t, "process %u: thread %u stops itself", p->pid, t->tid);
		*claims += is_blocked(t->stopper);
		MUST(t->stop == STOP_WANTED || !is_blocked(t->stopper),
		     "process %u: thread %u waits for thread %u to stop, which it need not", p->pid,
		     t->stopper->tid, t->tid);
	}
	return NULL;
}

static const char *check_waits(const struct process *p, uint32_t *claims)
{
	LIST_EACH(at, &p->children) {
		const struct process *c = LIST_OBJECT(at, struct process, child);

		if (!c->waiter)
			continue;
		MUST(lives_in(p, c->waiter),
		     "process %u: a thread that is gone waits for process %u", p->pid, c->pid);
		*claims += is_blocked(c->waiter);
		MUST(!c->dead || !is_blocked(c->waiter),
		     "process %u: thread %u waits for process %u, which has ended", p->pid,
		     c->waiter->tid, c->pid);
	}
	return NULL;
}

const char *check_claims(const struct process *p)
{
	uint32_t slots = 0, claims = 0, blocked = 0;
	const char *wrong;

	if ((wrong = check_slots(p, &slots, &claims)) ||
	    (wrong = check_stops(p, &claims, &blocked)) || (wrong = check_waits(p, &claims)))
		return wrong;
	MUST(blocked == claims, "process %u: %u threads are blocked, and %u wait for something",
	     p->pid, blocked, claims);
	if (p->dead && !p->unreaped_threads)
		return NULL;		/* its ids go, in steps, before it gives back what it was
					 * charged for them */
	MUST(p->thread_units - p->spare_units == slots,
	     "process %u is charged for %u threads, and has %u", p->pid,
	     p->thread_units - p->spare_units, slots);
	return NULL;
}
