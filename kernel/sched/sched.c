/* SPDX-License-Identifier: MIT */
/*
 * sched.c - threads change hands: yield, end, and whom a CPU runs next.
 *
 * A thread's state belongs to the queue lock of its CPU (thread->cpu).  The lock
 * is held across the change of stacks and released by whoever comes out of it, so
 * nobody can run a thread whose registers are not saved yet.  At most one queue lock is
 * held at a time: a thread on its way between two queues is READY and in neither.
 */
#include "kernel/sched/sched.h"
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_setup.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/switch.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/console/panic.h"
#include "kernel/sched/runqueue.h"
#include "kernel/sched/sched_internal.h"
#include "kernel/sync/spinlock.h"
#include "mm/tlb.h"

uint64_t sched_idle_cpus;
uint64_t sched_ipis_sent;

static struct spinlock dead_lock;
static struct list **dead_end = &sched_dead;	/* the oldest comes first */
static uint64_t dead_count;
struct list *sched_dead;

struct runqueue *lock_queue_of(struct thread *t)
{
	for (;;) {
		struct cpu *cpu = __atomic_load_n(&t->cpu, __ATOMIC_RELAXED);
		struct runqueue *q = queue_of(cpu);

		spin_lock(&q->lock);
		if (__atomic_load_n(&t->cpu, __ATOMIC_RELAXED) == cpu)
			return q;
		spin_unlock(&q->lock);
	}
}

void send_reschedule(struct cpu *cpu)
{
	__atomic_add_fetch(&sched_ipis_sent, 1, __ATOMIC_RELAXED);
	lapic_send_ipi(cpu->apic_id, VECTOR_RESCHEDULE);
}

/*
 * Hints only: a wrong one costs an interrupt. The thread itself may be gone, so its priority was
 * read under the lock; of the current one it is read in vain when that is gone (heap_shrink()
 * waits, for nothing here serves the TLB's mailbox in between). One thread that waits alone is not
 * offered to other CPUs before the next tick, for whoever woke it mostly goes to sleep at once.
 */
void notice_ready(struct cpu *cpu, uint32_t priority, bool crowded)
{
	if (crowded)
		call_thief(cpu);
	if (priority >= cpu->percpu->current->priority)	/* an idle thread is less urgent than all */
		return;
	if (cpu == this_cpu())
		cpu->percpu->work |= WORK_RESCHED;
	else
		send_reschedule(cpu);
}

/* The next CPU after @from that @t may run on; @from itself when there is no other. */
static struct cpu *next_allowed_cpu(const struct cpu *from, const struct thread *t)
{
	uint64_t allowed = t->affinity & sched_online_cpus();
	uint64_t above = from->index == 63 ? 0 : allowed & ~0ul << (from->index + 1);

	if (!allowed)
		return &cpus[from->index];
	return &cpus[__builtin_ctzl(above ? above : allowed)];
}

void queue_on(struct cpu *cpu, struct thread *t)
{
	struct runqueue *q;
	uint32_t priority;
	bool crowded;

	for (;;) {
		struct cpu *at = cpu;

		q = queue_of(at);
		spin_lock(&q->lock);
		cpu = t->affinity >> at->index & 1 ? at : next_allowed_cpu(at, t);
		if (cpu == at)
			break;
		__atomic_store_n(&t->cpu, cpu, __ATOMIC_RELAXED);
		spin_unlock(&q->lock);
	}
	crowded = q->ready;
	priority = t->priority;
	runqueue_append(q, t);
	spin_unlock(&q->lock);
	notice_ready(cpu, priority, crowded);
}

static bool may_stay(const struct thread *t)
{
	return t->homes >> t->cpu->index & 1;
}

void resume_locked(struct runqueue *q, struct thread *t)
{
	struct cpu *cpu = may_stay(t) ? t->cpu : next_allowed_cpu(t->cpu, t);

	if (t->sleeper.wake_at)
		sleepers_remove(&q->sleepers, &t->sleeper);
	if (cpu == t->cpu) {
		bool crowded = q->ready;
		uint32_t priority = t->priority;

		runqueue_append(q, t);
		spin_unlock(&q->lock);
		notice_ready(cpu, priority, crowded);
		return;
	}
	t->state = THREAD_READY;
	__atomic_store_n(&t->cpu, cpu, __ATOMIC_RELAXED);
	spin_unlock(&q->lock);
	queue_on(cpu, t);
}

/* --- changing threads -------------------------------------------------------- */

static void resume_tick(struct runqueue *q)
{
	if (q->tick_rests) {
		q->tick_rests = false;
		lapic_timer_periodic(q->tick_hz);
	}
}

/* Make this CPU's table, stacks and per-thread registers @next's. */
static void load_context(struct cpu *cpu, struct thread *next)
{
	struct percpu *pc = cpu->percpu;

	pc->current = next;
	pc->kstack_top = next->kstack_top;
	pc->work = (pc->work & WORK_TLB) | next->work | (next->told ? WORK_KILL : 0);
	tlb_load(next->space);
	if (next->process) {
		if (__builtin_expect(cpu->design != next->design, 0))
			cpu_load_design(cpu, next->design);
		next->design->switch_thread(cpu, next);
		fpu_restore(next->fpu);
		segments_load(&next->segments);
		resume_tick(queue_of(cpu));
	}
}

/* In the new thread's context: unlock, and see the predecessor off now that its stack is left. */
static void finish_switch(void)
{
	struct runqueue *q = queue_of(this_cpu());
	struct thread *prev = q->leaving;
	enum thread_state state = prev->state;
	struct cpu *to = prev->next_cpu;

	if (state == THREAD_MIGRATING) {
		prev->state = THREAD_READY;
		__atomic_store_n(&prev->cpu, to, __ATOMIC_RELAXED);
	}
	spin_unlock(&q->lock);
	if (state == THREAD_MIGRATING) {
		queue_on(to, prev);
	} else if (state == THREAD_DEAD) {
		spin_lock(&dead_lock);
		prev->link.next = NULL;
		*dead_end = &prev->link;
		dead_end = &prev->link.next;
		dead_count++;
		spin_unlock(&dead_lock);
	}
}

/* Have this CPU go on with @next, which is in no queue; it may be the current thread itself. The
 * queue lock is held on entry, not on return. */
static void switch_to(struct runqueue *q, struct thread *next)
{
	struct cpu *cpu = this_cpu();
	struct thread *prev = current_thread();

	next->state = THREAD_RUNNING;
	next->slice = SCHED_SLICE;
	if (next == prev) {
		spin_unlock(&q->lock);
		return;
	}
	q->leaving = prev;
	if (prev->process) {
		fpu_save(prev->fpu);
		segments_save(&prev->segments);
	}
	load_context(cpu, next);
	switch_stacks(&prev->kernel_rsp, next->kernel_rsp);
	finish_switch();
}

void schedule_locked(struct runqueue *q)
{
	struct thread *next = runqueue_take(q);

	switch_to(q, next ? next : this_cpu()->idle);
}

void sched_make_ready(struct thread *t)
{
	t->state = THREAD_READY;
	queue_on(t->cpu, t);
}

void sched_yield(void)
{
	struct thread *t = current_thread();
	struct runqueue *q = queue_of(t->cpu);
	struct cpu *to;

	spin_lock(&q->lock);
	if (t == t->cpu->idle) {
		schedule_locked(q);
		return;
	}
	to = may_stay(t) ? t->cpu : next_allowed_cpu(t->cpu, t);
	if (to != t->cpu) {
		t->next_cpu = to;
		t->state = THREAD_MIGRATING;
	} else if (runqueue_has(q, t->priority)) {
		runqueue_append(q, t);
	} else {			/* nobody as urgent waits */
		spin_unlock(&q->lock);
		return;
	}
	schedule_locked(q);
}

bool sched_point(void)
{
	struct thread *t = current_thread();

	irq_window();
	if (!t->process) {
		sched_yield();
		return false;
	}
	if (this_cpu()->percpu->work & WORK_RESCHED) {
		this_cpu()->percpu->work &= ~WORK_RESCHED;
		sched_yield();
	}
	return told_to_leave(t);
}

void sched_exit(void)
{
	struct thread *t = current_thread();
	struct runqueue *q = queue_of(t->cpu);

	spin_lock(&q->lock);
	t->state = THREAD_DEAD;
	schedule_locked(q);
	panic("thread %u ran after its end", t->tid);
}

struct thread *sched_take_dead(void)
{
	struct list *dead;

	if (!sched_any_dead())
		return NULL;
	spin_lock(&dead_lock);
	dead = sched_dead;
	if (dead) {
		sched_dead = dead->next;
		dead_count--;
	}
	if (!sched_dead)
		dead_end = &sched_dead;
	spin_unlock(&dead_lock);
	return dead ? thread_of_link(dead) : NULL;
}

uint64_t sched_dead_count(void)
{
	return __atomic_load_n(&dead_count, __ATOMIC_RELAXED);
}

bool sched_start(void)
{
	struct thread *t = current_thread();

	finish_switch();
	if (t->process)
		return true;
	t->kernel_main(t->kernel_arg);
	sched_exit();
}
