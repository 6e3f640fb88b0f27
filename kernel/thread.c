/* SPDX-License-Identifier: MIT */
/*
 * thread.c - making threads, naming them, ending them.
 *
 * A tid is a slot of one table and the slot's generation, so that finding a
 * thread costs the same with ten threads or ten thousand, and an old tid never
 * names a new thread.  A slot outlives its thread until somebody joins it, or its process is gone.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/switch.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/process_internal.h"
#include "kernel/sched.h"
#include "mm/heap.h"

#define TID_SLOT_BITS	14
#define TID_SLOTS	(1u << TID_SLOT_BITS)

static struct slot {
	struct thread *thread;		/* NULL: free, or ended and not joined */
	struct process *owner;		/* NULL: free */
	struct thread *joiner;
	uint32_t generation;
	uint32_t next_free;		/* 0: end of list */
} slots[TID_SLOTS];			/* slot 0 is never used; all under process_lock */

static uint32_t free_slot, fresh_slot = 1;

static struct slot *slot_of(uint32_t tid)
{
	return &slots[tid & (TID_SLOTS - 1)];
}

/* The live or unjoined slot that @tid names in @p, or NULL. */
static struct slot *slot_find(const struct process *p, uint32_t tid)
{
	struct slot *s = slot_of(tid);

	return s->owner == p && p && s->generation == tid >> TID_SLOT_BITS ? s : NULL;
}

static uint32_t slot_take(struct thread *t, struct process *owner)
{
	uint32_t i = free_slot;

	if (i)
		free_slot = slots[i].next_free;
	else if (fresh_slot < TID_SLOTS)
		i = fresh_slot++;
	else
		return 0;
	slots[i].thread = t;
	slots[i].owner = owner;
	slots[i].joiner = NULL;
	return i | slots[i].generation << TID_SLOT_BITS;
}

static void slot_release(struct slot *s)
{
	s->owner = NULL;
	s->thread = NULL;
	s->generation = (s->generation + 1) & (UINT32_MAX >> TID_SLOT_BITS >> 1);	/* tids stay positive */
	s->next_free = free_slot;
	free_slot = s - slots;
}

void thread_slots_release(const struct process *p)
{
	for (uint32_t i = 1; i < fresh_slot; i++)
		if (slots[i].owner == p)
			slot_release(&slots[i]);
}

/* A live thread of the current process cannot be freed while process_lock is held: it ends under it. */
int thread_apply(uint32_t tid, void (*fn)(struct thread *t, uint64_t arg), uint64_t arg)
{
	struct process *p = current_thread()->process;
	struct slot *s;
	int err = -ESRCH;

	spin_lock(&process_lock);
	s = slot_find(p, tid);
	if (s && s->thread) {
		fn(s->thread, arg);
		err = 0;
	}
	spin_unlock(&process_lock);
	return err;
}

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
	t->affinity = ~0ul;
	t->priority = PRIORITY_USUAL;
	/* Below the place of a frame, which some designs keep on this stack. */
	t->kernel_rsp = switch_prepare(t->kstack_top - sizeof(struct trapframe));
	return t;
}

static void thread_free(struct thread *t)
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
		.rip = rip, .cs = SEL_USER_CODE, .rflags = FLAG_IF | FLAG_FIXED, .rsp = rsp, .ss = SEL_USER_DATA,
		.rdi = rdi, .rsi = rsi, .vector = VECTOR_SYSCALL,
	};
}

static int register_thread(struct process *p, struct thread *t)
{
	int err = 0;

	spin_lock(&process_lock);
	t->tid = slot_take(t, p);
	if (!t->tid) {
		err = -EAGAIN;
	} else {
		t->sibling = p->threads;
		p->threads = t;
		p->live_threads++;
		p->unreaped_threads++;
	}
	spin_unlock(&process_lock);
	return err;
}

int thread_create_user(struct process *p, uint64_t rip, uint64_t rsp, uint64_t rdi, uint64_t rsi, struct thread **out)
{
	struct thread *t;
	int err;

	reap();
	t = thread_new();
	if (!t)
		return -ENOMEM;
	t->process = p;
	t->fpu = kzalloc(fpu_area_size());
	if (!t->fpu) {
		thread_free(t);
		return -ENOMEM;
	}
	fpu_area_init(t->fpu);
	err = entry->setup_thread(t);
	if (err) {
		thread_free(t);
		return err;
	}
	frame_init(t->frame, rip, rsp, rdi, rsi);
	err = register_thread(p, t);
	if (err) {
		entry->retire_thread(t);
		thread_free(t);
		return err;
	}
	*out = t;
	return 0;
}

void thread_exit_current(void)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct slot *s = slot_of(t->tid);

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

int64_t thread_join(uint32_t tid)
{
	struct thread *t = current_thread();
	struct slot *s;
	int64_t err = 0;

	spin_lock(&process_lock);
	s = slot_find(t->process, tid);
	if (!s)
		err = -ESRCH;
	else if (s->thread == t || (s->thread && s->joiner))
		err = -EINVAL;
	while (!err && s->thread && !thread_must_leave(t)) {
		s->joiner = t;
		spin_unlock(&process_lock);
		sched_block();
		spin_lock(&process_lock);
	}
	if (!err && s->joiner == t)
		s->joiner = NULL;
	if (!err && !s->thread)
		slot_release(s);
	else if (!err)
		err = -EINTR;
	spin_unlock(&process_lock);
	reap();
	return err;
}

void reap(void)
{
	struct thread *t;

	while ((t = sched_take_dead())) {
		struct process *p = t->process;

		if (!p) {
			thread_free(t);
			continue;
		}
		entry->retire_thread(t);
		process_forget_thread(p, t);
		thread_free(t);
	}
}
