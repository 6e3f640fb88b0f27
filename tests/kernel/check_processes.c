/* SPDX-License-Identifier: MIT */
/* check_processes.c - processes: who holds them, whose children they are, what of them still
 * lives. */
#include "kernel/object/process.h"
#include "kernel/object/process_internal.h"
#include "kernel/object/reap.h"
#include "mm/heap.h"
#include "tests/kernel/invariants.h"

static bool is_listed(const struct process *wanted)
{
	for (const struct process *p = process_next(NULL); p; p = process_next((struct process *)p))
		if (p == wanted)
			return true;
	return false;
}

static const char *check_family(const struct process *p)
{
	uint32_t seen = 0;

	LIST_EACH(at, &p->children) {
		const struct process *c = LIST_OBJECT(at, struct process, child);

		MUST(at->next->before == at && at->before->next == at,
		     "process %u: the links of its children do not match", p->pid);
		MUST(c->parent == p,
		     "process %u is listed as a child of process %u, which it is not", c->pid,
		     p->pid);
	}
	if (!p->parent)
		return NULL;
	MUST(is_listed(p->parent), "process %u has a parent that is gone", p->pid);
	LIST_EACH(at, &p->parent->children)
		seen += at == &p->child;
	MUST(seen == 1, "process %u is %u times among its parent's children", p->pid, seen);
	return NULL;
}

/* Itself, until it is torn down; its parent; who waits for it. */
static const char *check_references(const struct process *p)
{
	bool torn = p->dead && !p->unreaped_threads && !teardown_pending(p);
	uint32_t held = !torn + (p->parent != NULL) + (p->waiter != NULL);

	MUST(p->refs == held, "process %u has %u references, and %u are known", p->pid, p->refs,
	     held);
	MUST(!teardown_pending(p) || (p->dead && !p->unreaped_threads),
	     "process %u is torn down, and has threads", p->pid);
	MUST(torn ? !p->as : p->as || teardown_pending(p),
	     "process %u: its space does not go with it", p->pid);
	MUST(!p->teardown_busy, "process %u: its teardown belongs to nobody", p->pid);
	if (p->waiter)
		MUST(p->waiter->process == p->parent,
		     "process %u is waited for, but not by its parent", p->pid);
	return NULL;
}

static const char *check_life(const struct process *p)
{
	MUST(p->dead == !p->live_threads,
	     "process %u is dead and has threads that live, or neither", p->pid);
	MUST(!p->dead || p->dying, "process %u is dead and not dying", p->pid);
	MUST(!(p->spawn_rights & ~p->rights), "process %u hands on rights that it has not", p->pid);
	MUST(heap_holds(p, sizeof(*p)), "process %u is no object of the heap", p->pid);
	if (!p->as)
		return NULL;
	MUST(heap_holds(p->as, sizeof(*p->as)), "process %u: its space is no object of the heap",
	     p->pid);
	MUST(p->as->pid == p->pid && p->as->budget == p->budget,
	     "process %u: its space is another's", p->pid);
	return NULL;
}

static const char *check_process(const struct process *p, struct invariants *i)
{
	const char *wrong;

	if ((wrong = check_family(p)) || (wrong = check_references(p)) || (wrong = check_life(p)) ||
	    (wrong = check_threads(p, i)) || (wrong = check_claims(p)))
		return wrong;
	return NULL;
}

const char *check_processes(struct invariants *i)
{
	const char *wrong = NULL;

	for (struct process *p = process_next(NULL); p && !wrong; p = process_next(p))
		wrong = check_process(p, i);
	return wrong;
}
