/* SPDX-License-Identifier: MIT */
/*
 * sched_cpu.c - a CPU's side: its tick, what interrupts tell it, whom it may run, where it finds work.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/idle.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/x86.h"
#include "kernel/abi.h"
#include "kernel/process.h"
#include "kernel/reap.h"
#include "kernel/sched.h"
#include "kernel/sched_internal.h"

static uint64_t online_cpus;		/* bit n: CPU n */

/* --- interrupts ---------------------------------------------------------------- */

static void expire_sleepers(struct runqueue *q)
{
	uint64_t now = rdtsc();

	for (;;) {
		spin_lock(&q->lock);
		struct thread *t = q->sleepers;

		if (!t || t->wake_at > now) {
			spin_unlock(&q->lock);
			return;
		}
		t->sleep_result = -ETIMEDOUT;
		resume_locked(q, t);
	}
}

/* A tick while somebody waits; out of line, for most come while nobody does. */
static __attribute__((noinline)) void busy_tick(struct thread *t, struct runqueue *q)
{
	if (q->sleepers)
		expire_sleepers(q);
	if (!q->ready || (t->slice && --t->slice))
		return;
	t->slice = SCHED_SLICE;
	t->cpu->percpu->work |= WORK_RESCHED;
	call_thief(t->cpu);
}

void sched_tick(struct trapframe *frame)
{
	struct thread *t;
	struct runqueue *q;

	(void)frame;
	lapic_eoi();
	t = current_thread();
	q = queue_of(t->cpu);
	if (q->ready || q->sleepers)
		busy_tick(t, q);
}

/* Somebody put a thread on this CPU's queue, changed the current one's affinity, stops it, or killed its process. */
void sched_reschedule_irq(struct trapframe *frame)
{
	struct thread *t = current_thread();

	(void)frame;
	lapic_eoi();
	if (t->process)
		this_cpu()->percpu->work |= t->work | (t->process->dying ? WORK_KILL : WORK_RESCHED);
}

void sched_set_tick(uint32_t hz)
{
	struct runqueue *q = queue_of(this_cpu());

	q->tick_hz = hz;
	q->tick_rests = false;
	lapic_timer_periodic(hz);
}

/* --- out of the kernel ----------------------------------------------------------- */

void sched_interrupt(struct thread *t)
{
	struct runqueue *q = lock_queue_of(t);

	if (t->state == THREAD_SLEEPING || t->state == THREAD_BLOCKED) {
		t->sleep_result = -EINTR;
		resume_locked(q, t);
		return;
	}
	t->unblock_pending = true;	/* it may be on its way to sched_block(); sched_sleep() looks by itself */
	if (t->state == THREAD_RUNNING && t != current_thread())
		send_reschedule(t->cpu);
	spin_unlock(&q->lock);
}

/* --- placement ----------------------------------------------------------------- */

void sched_set_priority(struct thread *t, uint32_t priority)
{
	struct runqueue *q = lock_queue_of(t);
	bool queued = t->queued;

	if (queued)
		runqueue_remove(q, t);
	t->priority = priority;
	if (queued)
		runqueue_append(q, t);
	spin_unlock(&q->lock);
}

void sched_set_affinity(struct thread *t, uint64_t affinity)
{
	struct runqueue *q = lock_queue_of(t);

	t->affinity = affinity;
	if (affinity >> t->cpu->index & 1) {
		spin_unlock(&q->lock);
	} else if (t->queued) {
		runqueue_remove(q, t);
		resume_locked(q, t);
	} else {
		if (t->state == THREAD_RUNNING && t != current_thread())
			send_reschedule(t->cpu);
		else if (t->state == THREAD_RUNNING)
			t->cpu->percpu->work |= WORK_RESCHED;
		spin_unlock(&q->lock);
	}
}

uint64_t sched_online_cpus(void)
{
	return __atomic_load_n(&online_cpus, __ATOMIC_RELAXED);
}

void sched_force_migration(bool on)
{
	sched_migrate_always = on;
}

/* --- a CPU's life ---------------------------------------------------------------- */

void sched_init_cpu(struct cpu *cpu, struct thread *idle)
{
	cpu->idle = idle;
	idle->cpu = cpu;
	idle->state = THREAD_RUNNING;
	idle->priority = PRIORITY_COUNT;	/* below every class */
	cpu->percpu->current = idle;
	cpu->percpu->kstack_top = idle->kstack_top;
}

void sched_cpu_online(struct cpu *cpu)
{
	cpu->online = true;
	__atomic_or_fetch(&online_cpus, 1ul << cpu->index, __ATOMIC_SEQ_CST);
}

void call_thief(const struct cpu *cpu)
{
	struct runqueue *q = queue_of(cpu);
	uint64_t idle, bit;

	/* The threads were queued before this looks for idle CPUs, which say that they are before they look there. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	idle = __atomic_load_n(&sched_idle_cpus, __ATOMIC_RELAXED) & ~(1ul << cpu->index);
	if (!idle)
		return;
	spin_lock(&q->lock);
	idle &= runqueue_affinity(q);
	spin_unlock(&q->lock);
	bit = idle & -idle;
	if (bit && (__atomic_fetch_and(&sched_idle_cpus, ~bit, __ATOMIC_SEQ_CST) & bit))
		send_reschedule(&cpus[__builtin_ctzl(bit)]);
}

/* Take a thread from another CPU's queue into ours. */
static bool steal(struct cpu *self)
{
	if (sched_migrate_always)		/* it would take back what it has just sent away */
		return false;
	for (uint32_t i = 1; i < cpu_count; i++) {
		struct runqueue *q = &sched_queues[(self->index + i) % cpu_count];
		struct thread *t;

		if (!__atomic_load_n(&q->ready, __ATOMIC_RELAXED))
			continue;
		spin_lock(&q->lock);
		t = runqueue_steal(q, self->index);
		if (t)
			__atomic_store_n(&t->cpu, self, __ATOMIC_RELAXED);
		spin_unlock(&q->lock);
		if (!t)
			continue;
		queue_on(self, t);
		return true;
	}
	return false;
}

/* Nothing to run and nobody to wake: no tick is needed. sched.c starts it again with the next program. */
static void rest_tick(struct runqueue *q)
{
	if (q->tick_hz && !q->tick_rests && !q->sleepers) {
		lapic_timer_periodic(0);
		q->tick_rests = true;
	}
}

void sched_idle(void)
{
	struct cpu *cpu = this_cpu();
	struct runqueue *q = queue_of(cpu);
	uint64_t bit = 1ul << cpu->index;

	for (;;) {
		reap();
		/* Idle first, then look: whoever queues a thread after our look sees the bit and sends an
		 * interrupt, which ends the HLT. */
		__atomic_or_fetch(&sched_idle_cpus, bit, __ATOMIC_SEQ_CST);
		if (q->ready || steal(cpu)) {
			__atomic_and_fetch(&sched_idle_cpus, ~bit, __ATOMIC_SEQ_CST);
			sched_yield();
			continue;
		}
		rest_tick(q);
		idle_wait();
		__atomic_and_fetch(&sched_idle_cpus, ~bit, __ATOMIC_SEQ_CST);
	}
}
