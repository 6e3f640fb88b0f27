/* SPDX-License-Identifier: MIT */
/* stage.c - make processes that never run, and take them apart. */
#include "tests/kernel/stage.h"
#include "arch/x86_64/percpu.h"
#include "kernel/abi.h"
#include "kernel/console/panic.h"
#include "kernel/object/process_internal.h"
#include "kernel/object/reap.h"
#include "kernel/object/tid.h"
#include "kernel/sync/spinlock.h"
#include "mm/budget.h"
#include "mm/frames.h"
#include "mm/pagetable.h"

static void must(int err)
{
	if (err)
		panic("the stage of a test: error %d", -err);
}

static struct thread *prepare(struct process *p)
{
	struct thread *t;

	must(thread_prepare(p, STAGE_AT, 0, 0, 0, &t));
	t->state = THREAD_SLEEPING;
	return t;
}

static struct process *make_process(const char *name, struct process *parent,
				    const struct entry_design *d, struct thread **first)
{
	struct process *p;
	int err;

	p = process_new(name, parent, &err);
	if (!p)
		panic("the stage of a test: no process: error %d", -err);
	p->as = aspace_create(p->budget, d);
	if (!p->as)
		panic("the stage of a test: no space");
	p->as->pid = p->pid;
	for (uint64_t i = 0; i < STAGE_REGIONS; i++)
		must(aspace_add_region(p->as, STAGE_AT + 2 * i * STAGE_REGION, STAGE_REGION,
				       PTE_NX | PTE_W));
	for (uint64_t i = 0; i < STAGE_PAGES; i++)
		must(aspace_populate(p->as, STAGE_AT + i * PAGE_SIZE) ? 0 : -ENOMEM);
	*first = prepare(p);
	must(process_publish(p, *first));
	return p;
}

static struct thread *add_thread(struct process *p)
{
	struct thread *t = prepare(p);

	spin_lock(&process_lock);
	must(thread_publish(t));
	spin_unlock(&process_lock);
	return t;
}

/* So that the list of free ids has one. */
static void use_a_tid(struct process *p)
{
	spin_lock(&process_lock);
	tid_release(tid_slot_of(tid_take(NULL, p)));
	spin_unlock(&process_lock);
}

void stage_set_by(struct stage *s, const struct entry_design *d)
{
	budget_init_root(frames_total() - frames_used(), TID_SLOTS - 1);
	s->parent = make_process("parent", NULL, d, &s->thread[2]);
	s->thread[1] = add_thread(s->parent);	/* in front of the list */
	s->thread[0] = add_thread(s->parent);
	s->parent->spawn_rights = 0;
	s->child = make_process("child", s->parent, d, &s->other);
	s->thread[2]->state = THREAD_BLOCKED;
	s->thread[2]->stop = STOP_DONE;
	s->thread[2]->work = WORK_STOP;
	use_a_tid(s->parent);
}

void stage_set(struct stage *s)
{
	stage_set_by(s, boot_design);
}

const struct entry_design *stage_next_design(const struct entry_design *d)
{
	for (unsigned n = d ? d->number + 1 : 0; n < entry_design_count(); n++)
		if (!entry_refusal(entry_design_at(n)))
			return entry_design_at(n);
	return NULL;
}

/* As thread_exit_current() and the reaper, for one that never ran. */
static void end_thread(struct thread *t)
{
	struct process *p = t->process;

	spin_lock(&process_lock);
	tid_slot_of(t->tid)->thread = NULL;
	list_remove(&t->sibling);
	if (!--p->live_threads)
		process_ended(p);
	spin_unlock(&process_lock);
	thread_discard(t);
	spin_lock(&process_lock);
	if (!--p->unreaped_threads)
		teardown_add(p);
	spin_unlock(&process_lock);
}

void stage_clear(const struct stage *s)
{
	for (unsigned i = 0; i < 3; i++)
		end_thread(s->thread[i]);
	end_thread(s->other);
	reap_all();	/* the parent's end frees the child, which nobody asks after */
	budget_init_root(0, 0);
}

const struct entry_design *stage_neighbour(const struct entry_design *d)
{
	const struct entry_design *next = stage_next_design(d);

	if (!next)
		next = stage_next_design(NULL);
	return next != d ? next : NULL;
}
