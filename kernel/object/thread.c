/* SPDX-License-Identifier: MIT */
/* thread.c - making threads, ending them, joining them. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/switch.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/console/panic.h"
#include "kernel/lib/probe.h"
#include "kernel/object/process.h"
#include "kernel/object/process_internal.h"
#include "kernel/object/reap.h"
#include "kernel/object/tid.h"
#include "kernel/sched/sched.h"
#include "kernel/sync/spinlock.h"
#include "mm/budget.h"
#include "mm/heap.h"
#include "mm/stacks.h"

/* What a thread is charged for: a task, and its stacks, FPU area and struct thread. */
#define UNIT_FRAMES	(KSTACK_PAGES + 2)
#define SPARE_UNITS	8	/* kept by a process whose threads come and go: charging walks up
				 * a tree */

/* --- what a process is charged for its threads; all: process_lock held --------- */

static bool unit_take(struct process *p)
{
	if (!p->spare_units) {
		if (!budget_charge(p->budget, UNIT_FRAMES, 1))
			return false;
		p->thread_units++;
		p->spare_units++;
	}
	p->spare_units--;
	return true;
}

static void unit_give(struct process *p)
{
	if (p->spare_units < SPARE_UNITS) {
		p->spare_units++;
		return;
	}
	p->thread_units--;
	budget_return(p->budget, UNIT_FRAMES, 1);
}

void thread_units_return(struct process *p)
{
	budget_return(p->budget, UNIT_FRAMES * p->thread_units, p->thread_units);
	p->thread_units = p->spare_units = 0;
}

/* --- finding ------------------------------------------------------------------- */

/* A live thread of the current process cannot be freed while process_lock is held: it ends under
 * it. */
int thread_apply(uint32_t tid, void (*fn)(struct thread *t, uint64_t arg), uint64_t arg)
{
	struct process *p = current_thread()->process;
	struct tid_slot *s;
	int err = -ESRCH;

	spin_lock(&process_lock);
	s = tid_find(p, tid);
	if (s && s->thread) {
		fn(s->thread, arg);
		err = 0;
	}
	spin_unlock(&process_lock);
	return err;
}

/* --- making -------------------------------------------------------------------- */

/* Everything that user and kernel threads have in common. NULL when memory is short. */
static struct thread *thread_new(void)
{
	struct thread *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	t->kstack_top = kstack_alloc();
	if (!t->kstack_top) {
		kfree(t);
		return NULL;
	}
	t->cpu = this_cpu();
	t->affinity = t->homes = ~0ul;
	t->priority = t->asked_priority = PRIORITY_USUAL;
	/* Below the place of a frame, which some designs keep on this stack. */
	t->kernel_rsp = switch_prepare(t->kstack_top - sizeof(struct trapframe));
	return t;
}

void thread_free(struct thread *t)
{
	kstack_free(t->kstack_top);
	kfree(t->fpu);
	kfree(t);
}

struct thread *thread_create_kernel(void (*main)(void *), void *arg)
{
	struct thread *t = thread_new();

	if (!t)
		return NULL;
	t->kernel_main = main;
	t->kernel_arg = arg;
	return t;
}

static void frame_init(struct trapframe *f, uint64_t rip, uint64_t rsp, uint64_t rdi, uint64_t rsi)
{
	*f = (struct trapframe){
		.rip = rip,
		.cs = SEL_USER_CODE,
		.rflags = FLAG_IF | FLAG_FIXED,
		.rsp = rsp,
		.ss = SEL_USER_DATA,
		.rdi = rdi,
		.rsi = rsi,
		.vector = VECTOR_SYSCALL,
	};
}

/* The user's side: FPU area, and what the design wants. */
static int equip(struct thread *t, struct process *p)
{
	t->process = p;
	t->space = &p->as->tlb;
	t->design = p->as->design;
	t->fpu = kzalloc(fpu_area_size());
	if (!t->fpu)
		return -ENOMEM;
	fpu_area_init(t->fpu);
	return t->design->setup_thread(t);
}

/* thread_prepare(), within thread_create() too, which is measured. */
static inline __attribute__((always_inline)) int prepare(struct process *p, uint64_t rip,
							 uint64_t rsp, uint64_t rdi, uint64_t rsi,
							 struct thread **out)
{
	struct thread *t = thread_new();
	int err = -ENOMEM;

	if (t)
		err = equip(t, p);
	if (!err) {
		frame_init(t->frame, rip, rsp, rdi, rsi);
		PROBE(new_thread, t);
	} else if (t) {
		thread_free(t);
	}
	*out = err ? NULL : t;
	return err;
}

int thread_prepare(struct process *p, uint64_t rip, uint64_t rsp, uint64_t rdi, uint64_t rsi,
		   struct thread **out)
{
	return prepare(p, rip, rsp, rdi, rsi, out);
}

void thread_discard(struct thread *t)
{
	t->design->retire_thread(t);
	thread_free(t);
}

int thread_publish(struct thread *t)
{
	struct process *p = t->process;

	if (p->dying)	/* or its end might chase new threads for as long as others make them */
		return -EINTR;
	if (!unit_take(p))
		return -EAGAIN;
	t->tid = tid_take(t, p);
	if (!t->tid) {
		unit_give(p);
		return -EAGAIN;
	}
	list_add(&p->threads, &t->sibling);	/* before those that know of the process's end */
	p->live_threads++;
	p->unreaped_threads++;
	return 0;
}

int64_t thread_create(uint64_t rip, uint64_t rsp, uint64_t rdi)
{
	struct thread *t;
	int64_t tid;
	int err;

	reap_some();
	err = prepare(current_thread()->process, rip, rsp, rdi, 0, &t);
	if (err)
		return process_shortage(current_thread()->process, err);
	spin_lock(&process_lock);
	err = thread_publish(t);
	tid = t->tid;			/* once it is ready it may end, and be gone */
	spin_unlock(&process_lock);
	if (err) {
		thread_discard(t);
		return err;
	}
	sched_make_ready(t);
	return tid;
}

/* --- ending -------------------------------------------------------------------- */

void thread_exit_current(void)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct tid_slot *s = tid_slot_of(t->tid);

	irq_window();	/* the next thread may be about to end too, and thousands after it */
	spin_lock(&process_lock);
	s->thread = NULL;		/* ended; the slot waits for its joiner */
	/* Under the lock: a joiner takes itself out under it, so this one still waits. */
	if (s->joiner)
		sched_unblock(s->joiner);
	if (t->stopper)
		sched_unblock(t->stopper);
	if (!--p->live_threads)
		process_ended(p);
	spin_unlock(&process_lock);
	sched_exit();
}

/*
 * Who joins first has the claim, from before the thread's end until he has been told of it or gives
 * up: nobody else's join can take the slot from under him while he sleeps.
 */
int64_t thread_join(uint32_t tid)
{
	struct thread *t = current_thread();
	struct tid_slot *s;
	int64_t err = 0;

	spin_lock(&process_lock);
	s = tid_find(t->process, tid);
	if (!s)
		err = -ESRCH;
	else if (s->thread == t || s->joiner)
		err = -EINVAL;
	if (err) {
		spin_unlock(&process_lock);
		return err;
	}
	s->joiner = t;
	while (s->thread && !thread_must_leave(t)) {
		spin_unlock(&process_lock);
		sched_wait(THREAD_BLOCKED, 0);
		spin_lock(&process_lock);
	}
	s->joiner = NULL;
	if (!s->thread) {
		tid_release(s);
		unit_give(t->process);
	} else {
		err = -EINTR;
	}
	spin_unlock(&process_lock);
	reap_some();
	return err;
}
