/* SPDX-License-Identifier: MIT */
/* test_invariants.c - of processes, threads, claims and budgets, each made wrong once, and
 * found. */
#include "arch/x86_64/cpu.h"
#include "kernel/abi.h"
#include "kernel/object/process_internal.h"
#include "kernel/object/reap.h"
#include "kernel/object/tid.h"
#include "kernel/sched/sched_internal.h"
#include "mm/budget.h"
#include "tests/kernel/plant.h"
#include "tests/kernel/stage.h"

#define ONE_MORE_GENERATION (1u << TID_SLOT_BITS)

static struct stage stage;

KTEST(a_system_without_faults_keeps_all_invariants)
{
	const char *wrong;

	reap_all();
	wrong = invariants_check();
	if (wrong)
		printk("# %s\n", wrong);
	KCHECK(!wrong);
	stage_set(&stage);
	wrong = invariants_check();
	if (wrong)
		printk("# %s\n", wrong);
	KCHECK(!wrong);
	stage_clear(&stage);
	KCHECK(!invariants_check() && !process_next(NULL));
}

KTEST(wrong_relations_of_processes_are_found)
{
	struct process *p, *c;

	stage_set(&stage);
	p = stage.parent, c = stage.child;
	PLANT(process_lock.taken, 1, "process_lock is taken");
	PLANT(c->all.before, &c->all, "links of the list of processes");
	PLANT(c->pid, c->pid + 1000, "not found by its pid");
	PLANT(c->hash_next, c, "the chains by pid differ");
	c->refs--;
	PLANT(c->parent, NULL, "as a child of process");
	c->refs++;
	PLANT(c->child.before, &c->child, "links of its children");
	PLANT(p->refs, p->refs + 1, "references, and");
	PLANT(c->refs, c->refs - 1, "references, and");
	PLANT(p->teardown_busy, true, "teardown belongs to nobody");
	PLANT(p->dead, true, "has threads that live");
	PLANT(c->spawn_rights, RIGHTS_ALL + 1, "rights that it has not");
	PLANT(c->as->pid, p->pid, "space is another's");
	PLANT(c->as->budget, p->budget, "space is another's");
	c->refs++;
	PLANT(c->waiter, stage.other, "not by its parent");
	c->refs--;
	list_remove(&c->child);		/* its parent has forgotten it */
	KCHECK(plant_found("0 times among its parent's children"));
	list_add(&p->children, &c->child);
	stage_clear(&stage);
}

/* The space of one that is torn down is gone, and its own reference with it. */
KTEST(wrong_ends_of_processes_are_found)
{
	struct aspace *as;

	stage_set(&stage);
	as = stage.child->as;
	PLANT(stage.child->as, NULL, "space does not go with it");
	PLANT(stage.child->live_threads, 0, "has threads that live, or neither");
	stage.child->dead = true;
	PLANT(stage.child->live_threads, 0, "dead and not dying");
	stage.child->dead = false;
	KCHECK(stage.child->as == as);
	stage_clear(&stage);
}

KTEST(wrong_states_of_threads_are_found)
{
	struct thread *t, *last;
	struct process *p;

	stage_set(&stage);
	t = stage.thread[0], last = stage.thread[2], p = stage.parent;
	PLANT(t->state, THREAD_READY, "ready, and in no queue");
	PLANT(t->state, THREAD_MIGRATING, "between two CPUs");
	PLANT(t->state, THREAD_RUNNING, "running, on no CPU");
	PLANT(t->state, THREAD_QUEUED, "threads are ready, and 0 in the queues");
	PLANT(t->sleeper.wake_at, 1, "threads sleep until a time");
	PLANT(t->state, THREAD_DEAD, "does not go with its life");
	PLANT(t->woken, true, "sleeps over a wake()");
	PLANT(last->unblock_pending, true, "waits over what it waits for");
	PLANT(t->told, true, "not told of its end in its turn");
	PLANT(last->told, true, "an end that is none");
	p->dying = true;
	PLANT(last->told, true, "knows of its process's end");
	last->told = true;
	PLANT(last->priority, PRIORITY_BACKGROUND, "is to leave, and may wait");
	last->told = false;
	p->dying = false;
	PLANT(t->stop, STOP_WANTED, "waits, and is to stop");
	PLANT(last->state, THREAD_SLEEPING, "sleeps, and is stopped");
	PLANT(t->work, WORK_STOP, "its word for work");
	PLANT(t->affinity, 0, "may run on no CPU");
	PLANT(t->homes, 1, "its homes are not where it may run");
	PLANT(t->priority, PRIORITY_URGENT, "has not the priority that was asked for");
	t->asked_priority = PRIORITY_COUNT;
	PLANT(t->priority, PRIORITY_COUNT, "has no priority");
	t->asked_priority = PRIORITY_USUAL;
	stage.other->asked_priority = PRIORITY_URGENT;
	PLANT(stage.other->priority, PRIORITY_URGENT, "urgent without the right");
	stage.other->asked_priority = PRIORITY_USUAL;
	PLANT(t->kernel_rsp, t->kstack_top + 8, "RSP is not on its kernel stack");
	PLANT(t->frame, t->frame - 1, "frame is not where it lands");
	PLANT(t->fpu, (char *)t->fpu + 64, "no object of the heap");
	PLANT(t->tid, t->tid + ONE_MORE_GENERATION, "does not go with its life");
	PLANT(t->sibling.before, &t->sibling, "links of its threads");
	PLANT(t->process, stage.child, "which is another's");
	PLANT(p->live_threads, 4, "threads that live, and has 3");
	PLANT(p->unreaped_threads, 4, "threads in all, and has 3");
	stage_clear(&stage);
}

/* One that is dead and on no list would keep its memory for ever. */
KTEST(a_dead_thread_that_nobody_will_reap_is_found)
{
	struct thread *t;
	struct tid_slot *s;

	stage_set(&stage);
	t = stage.thread[0];
	s = tid_slot_of(t->tid);
	t->state = THREAD_DEAD;
	s->thread = NULL;
	stage.parent->live_threads--;
	KCHECK(plant_found("1 threads are dead, and 0 on their list"));
	stage.parent->live_threads++;
	s->thread = t;
	t->state = THREAD_SLEEPING;
	stage_clear(&stage);
}

KTEST(wrong_queues_are_found)
{
	struct runqueue *q = queue_of(this_cpu());

	PLANT(q->lock.taken, 1, "queue's lock is taken");
	PLANT(q->ready, q->ready ^ 2, "the mask of lists");
	PLANT(this_cpu()->idle->state, THREAD_BLOCKED, "the current thread is not THREAD_RUNNING");
}

KTEST(wrong_claims_are_found)
{
	struct thread *t, *u, *stopped;
	struct tid_slot *s;

	stage_set(&stage);
	t = stage.thread[0], u = stage.thread[1], stopped = stage.thread[2];
	s = tid_slot_of(u->tid);
	PLANT(s->before, 1000, "is linked wrong");
	PLANT(s->joiner, stage.other, "is gone joins");
	PLANT(s->joiner, u, "joins itself");
	PLANT(t->state, THREAD_BLOCKED, "2 threads are blocked, and 1 wait for something");
	PLANT(t->stopper, stage.other, "is gone stops");
	PLANT(t->stopper, t, "stops itself");
	PLANT(t->stopper, stopped, "which it need not");
	PLANT(stage.parent->thread_units, 7, "is charged for 7 threads, and has 3");
	s->thread = NULL;		/* and nobody tells its joiner */
	u->state = THREAD_DEAD;
	stage.parent->live_threads--;
	PLANT(s->joiner, stopped, "joins one that has ended, and sleeps");
	stage.parent->live_threads++;
	u->state = THREAD_SLEEPING;
	s->thread = u;
	stage_clear(&stage);
}

/* Nobody tells a parent of its child's end; or the parent's thread is gone itself. */
KTEST(wrong_waits_for_processes_are_found)
{
	struct process *c;

	stage_set(&stage);
	c = stage.child;
	c->refs++;
	c->waiter = stage.thread[2];
	c->dead = c->dying = true;
	c->live_threads = 0;
	stage.other->state = THREAD_DEAD;
	tid_slot_of(stage.other->tid)->thread = NULL;
	KCHECK(plant_found("which has ended"));
	tid_slot_of(stage.other->tid)->thread = stage.other;
	stage.other->state = THREAD_SLEEPING;
	c->live_threads = 1;
	c->dead = c->dying = false;
	c->waiter = NULL;
	c->refs--;
	stage_clear(&stage);
}

KTEST(wrong_thread_ids_are_found)
{
	struct tid_slot *s, *free;

	stage_set(&stage);
	s = tid_slot_of(stage.thread[1]->tid);
	for (free = &tid_slots[1]; free->owner; free++)
		;
	PLANT(free->owner, stage.parent, "free thread ids has one that is taken");
	PLANT(s->owner, NULL, "neither free nor taken");
	PLANT(s->owner, stage.child, "does not go with its life");
	PLANT(s->generation, s->generation + 1, "does not go with its life");
	stage_clear(&stage);
}

KTEST(wrong_budgets_are_found)
{
	struct budget *b, *below;

	stage_set(&stage);
	b = stage.parent->budget, below = stage.child->budget;
	PLANT(b->frames, b->frames + 1, "frames, and");
	PLANT(b->frames, b->frames - 1, "frames, and");
	PLANT(below->tasks, below->tasks + 1, "tasks, and");
	PLANT(budget_root.frames, budget_root.frames + 1, "frames, and");
	PLANT(stage.child->as->charged, stage.child->as->charged + 1, "frames, and");
	PLANT(b->frames_limit, b->frames - 1, "beyond its limit");
	PLANT(below->tasks_limit, 1, "beyond its limit");
	PLANT(b->refs, b->refs - 1, "references, and");
	PLANT(below->refs, below->refs + 1, "references too many");
	PLANT(budget_root.refs, budget_root.refs + 1, "references too many");
	PLANT(below->depth, 9, "generation is wrong");
	stage_clear(&stage);
}

/* By whichever call: what it holds is nobody's yet, and not too much. */
KTEST(a_program_that_is_being_started_is_reckoned_with)
{
	static const uint64_t calls[] = { SYS_SPAWN, SYS_SPAWN_WITH };
	struct trapframe *f;

	stage_set(&stage);
	f = stage.other->frame;
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		f->error = calls[i];
		stage.child->budget->refs++;
		KCHECK(!invariants_check());
		stage.child->budget->refs--;
	}
	stage_clear(&stage);
}
