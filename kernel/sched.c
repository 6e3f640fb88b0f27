/* SPDX-License-Identifier: MIT */
/*
 * sched.c - per-CPU run queues, round robin; sleeping and waking.
 *
 * A thread's state belongs to the queue lock of its CPU (thread->cpu).  The lock
 * is held across the change of stacks and released by whoever comes out of it, so
 * nobody can run a thread whose registers are not saved yet.
 */
#include "kernel/sched.h"
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/switch.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "entry/dispatch.h"
#include "kernel/abi.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "mm/kspace.h"

static struct queue {
	struct spinlock lock;
	struct thread *head, *tail;	/* ready */
	struct thread *sleepers;	/* timed, soonest first */
	struct thread *leaving;		/* whom the last change of stacks left */
} queues[MAX_CPUS];

static struct spinlock dead_lock;
static struct thread *dead_list;

static struct queue *queue_of(const struct cpu *cpu)
{
	return &queues[cpu->index];
}

static void enqueue(struct thread *t)
{
	struct queue *q = queue_of(t->cpu);

	t->state = THREAD_READY;
	t->queue_next = NULL;
	if (q->head)
		q->tail->queue_next = t;
	else
		q->head = t;
	q->tail = t;
}

static struct thread *dequeue(struct queue *q)
{
	struct thread *t = q->head;

	if (t)
		q->head = t->queue_next;
	return t;
}

/* Make @cpu's table, stacks and per-thread registers @next's. */
static void load_context(struct cpu *cpu, struct thread *next)
{
	struct percpu *pc = cpu->percpu;
	uint64_t root = kspace_boot_root(), user_root = root;

	if (next->process) {
		root = aspace_kernel_cr3(next->process->as);
		user_root = aspace_user_cr3(next->process->as);
	}
	pc->current = next;
	pc->kstack_top = next->kstack_top;
	pc->work = next->process && next->process->dying ? WORK_KILL : 0;
	if (pc->kernel_cr3 != root) {
		pc->kernel_cr3 = root;
		pc->user_cr3 = user_root;
		write_cr3(root);
	}
	if (next->process) {
		entry->switch_thread(cpu, next);
		fpu_restore(next->fpu);
		segments_load(next);
	}
}

/* In the new thread's context: unlock, and hand a dead predecessor to the reaper. */
static void finish_switch(void)
{
	struct queue *q = queue_of(this_cpu());
	struct thread *prev = q->leaving;

	spin_unlock(&q->lock);
	if (prev->state != THREAD_DEAD)
		return;
	spin_lock(&dead_lock);
	prev->queue_next = dead_list;
	dead_list = prev;
	spin_unlock(&dead_lock);
}

/* Switch to the next ready thread; queue lock held on entry, released on return. */
static void schedule_locked(struct queue *q)
{
	struct cpu *cpu = this_cpu();
	struct thread *prev = current_thread(), *next = dequeue(q);

	if (!next)
		next = cpu->idle;
	next->state = THREAD_RUNNING;
	next->slice = SCHED_SLICE;
	if (next == prev) {
		spin_unlock(&q->lock);
		return;
	}
	q->leaving = prev;
	if (prev->process) {
		fpu_save(prev->fpu);
		segments_save(prev);
	}
	load_context(cpu, next);
	switch_stacks(&prev->kernel_rsp, next->kernel_rsp);
	finish_switch();
}

void sched_make_ready(struct thread *t)
{
	struct queue *q = queue_of(t->cpu);

	spin_lock(&q->lock);
	enqueue(t);
	spin_unlock(&q->lock);
}

void sched_yield(void)
{
	struct thread *t = current_thread();
	struct queue *q = queue_of(t->cpu);

	spin_lock(&q->lock);
	if (!q->head) {
		spin_unlock(&q->lock);
		return;
	}
	if (t != t->cpu->idle)
		enqueue(t);
	schedule_locked(q);
}

static void add_sleeper(struct queue *q, struct thread *t, uint64_t wake_at)
{
	struct thread **at = &q->sleepers;

	while (*at && (*at)->wake_at <= wake_at)
		at = &(*at)->sleep_next;
	t->wake_at = wake_at;
	t->sleep_next = *at;
	*at = t;
}

static void remove_sleeper(struct queue *q, struct thread *t)
{
	struct thread **at = &q->sleepers;

	while (*at != t)
		at = &(*at)->sleep_next;
	*at = t->sleep_next;
	t->wake_at = 0;
}

int sched_sleep(uint64_t timeout_ns)
{
	struct thread *t = current_thread();
	struct queue *q = queue_of(t->cpu);

	spin_lock(&q->lock);
	if (t->wake_pending || t->process->dying) {
		t->wake_pending = false;
		spin_unlock(&q->lock);
		return 0;
	}
	t->state = THREAD_SLEEPING;
	t->timed_out = false;
	if (timeout_ns)
		add_sleeper(q, t, rdtsc() + clock_ns_to_tsc(timeout_ns));
	schedule_locked(q);
	return t->timed_out ? -ETIMEDOUT : 0;
}

void sched_wake(struct thread *t)
{
	struct queue *q = queue_of(t->cpu);

	spin_lock(&q->lock);
	if (t->state == THREAD_SLEEPING) {
		if (t->wake_at)
			remove_sleeper(q, t);
		enqueue(t);
	} else {
		t->wake_pending = true;
	}
	spin_unlock(&q->lock);
}

void sched_block(void)
{
	struct thread *t = current_thread();
	struct queue *q = queue_of(t->cpu);

	spin_lock(&q->lock);
	if (t->unblock_pending) {
		t->unblock_pending = false;
		spin_unlock(&q->lock);
		return;
	}
	t->state = THREAD_BLOCKED;
	schedule_locked(q);
}

void sched_unblock(struct thread *t)
{
	struct queue *q = queue_of(t->cpu);

	spin_lock(&q->lock);
	if (t->state == THREAD_BLOCKED)
		enqueue(t);
	else
		t->unblock_pending = true;
	spin_unlock(&q->lock);
}

void sched_exit(void)
{
	struct thread *t = current_thread();
	struct queue *q = queue_of(t->cpu);

	spin_lock(&q->lock);
	t->state = THREAD_DEAD;
	schedule_locked(q);
	panic("thread %u ran after its end", t->tid);
}

struct thread *sched_take_dead(void)
{
	struct thread *t;

	spin_lock(&dead_lock);
	t = dead_list;
	if (t)
		dead_list = t->queue_next;
	spin_unlock(&dead_lock);
	return t;
}

static void expire_sleepers(struct queue *q)
{
	uint64_t now = rdtsc();
	struct thread *t;

	spin_lock(&q->lock);
	while ((t = q->sleepers) && t->wake_at <= now) {
		remove_sleeper(q, t);
		t->timed_out = true;
		enqueue(t);
	}
	spin_unlock(&q->lock);
}

void sched_tick(void)
{
	struct thread *t = current_thread();
	struct queue *q = queue_of(t->cpu);

	lapic_eoi();
	if (q->sleepers)
		expire_sleepers(q);
	if (t->slice && !--t->slice) {
		t->slice = SCHED_SLICE;
		if (q->head)
			t->cpu->percpu->work |= WORK_RESCHED;
	}
}

/* A new thread's first C: [cr3=kernel gs=kernel rsp=kernel if=0], queue lock held. */
void thread_start(void);
void thread_start(void)
{
	struct thread *t = current_thread();

	finish_switch();
	if (!t->process) {
		t->kernel_main(t->kernel_arg);
		sched_exit();
	}
	exit_work();
	entry->user_return(t->frame);
}

void sched_init_cpu(struct cpu *cpu, struct thread *idle)
{
	cpu->idle = idle;
	idle->cpu = cpu;
	idle->state = THREAD_RUNNING;
	cpu->percpu->current = idle;
	cpu->percpu->kstack_top = idle->kstack_top;
}

void sched_idle(void)
{
	struct queue *q = queue_of(this_cpu());

	for (;;) {
		reap();
		if (q->head)
			sched_yield();
		else
			__asm__ volatile("sti; hlt; cli" : : : "memory");
	}
}
