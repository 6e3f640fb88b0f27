/* SPDX-License-Identifier: MIT */
/*
 * sched_cpu.c - a CPU's side: its tick, what interrupts tell it, where it finds work.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/idle.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/x86.h"
#include "kernel/abi.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/sched_internal.h"
#include "kernel/sync/spinlock.h"
#include "mm/heap.h"
#include "mm/stacks.h"

#define EXPIRE_BATCH 4			/* some 600 instructions each */

static uint64_t online_cpus;		/* bit n: CPU n */
static struct runqueue queues[MAX_CPUS];

/* --- interrupts ---------------------------------------------------------------- */

/* Wakes EXPIRE_BATCH of those whose time has come. For the others comes an interrupt that lets all
 * others go first. */
static void expire_sleepers(struct runqueue *q)
{
	uint64_t now = rdtsc();

	for (unsigned left = EXPIRE_BATCH;; left--) {
		struct sleeper *s;

		spin_lock(&q->lock);
		s = q->sleepers.soonest;
		if (!s || s->wake_at > now || !left) {
			spin_unlock(&q->lock);
			if (s && s->wake_at <= now)
				lapic_send_ipi(this_cpu()->apic_id, VECTOR_LATER);
			return;
		}
		resume_locked(q, thread_of_sleeper(s));
	}
}

void sched_later_irq(struct trapframe *frame)
{
	(void)frame;
	lapic_eoi();
	expire_sleepers(queue_of(this_cpu()));
}

/* A tick while somebody waits; out of line, for most come while nobody does. */
static __attribute__((noinline)) void busy_tick(struct thread *t, struct runqueue *q)
{
	if (q->sleepers.soonest)
		expire_sleepers(q);
	if (!q->ready)
		return;
	call_thief(t->cpu);
	if (t->slice && --t->slice)
		return;
	t->slice = SCHED_SLICE;
	t->cpu->percpu->work |= WORK_RESCHED;
}

void sched_tick(struct trapframe *frame)
{
	struct thread *t;
	struct runqueue *q;

	(void)frame;
	lapic_eoi();
	t = current_thread();
	q = queue_of(t->cpu);
	if (q->ready || q->sleepers.soonest)
		busy_tick(t, q);
}

/* Somebody put a thread on this CPU's queue, changed the current one's affinity, stops it, or
 * killed its process. */
void sched_reschedule_irq(struct trapframe *frame)
{
	struct thread *t = current_thread();

	(void)frame;
	lapic_eoi();
	if (t->process)
		this_cpu()->percpu->work |= t->work |
					    (t->told ? WORK_KILL : WORK_RESCHED);
}

void sched_set_tick(uint32_t hz)
{
	struct runqueue *q = queue_of(this_cpu());

	q->tick_hz = hz;
	q->tick_rests = false;
	lapic_timer_periodic(hz);
}

/* --- placement ----------------------------------------------------------------- */

/* @t, whose queue is locked, runs: have its CPU pick again. */
static void ask_to_yield(const struct thread *t)
{
	if (t == current_thread())
		t->cpu->percpu->work |= WORK_RESCHED;
	else
		send_reschedule(t->cpu);
}

/* @t, which waits in @q, gets another priority. @q is locked on entry, not on return. */
static void requeue_locked(struct runqueue *q, struct thread *t, uint32_t priority)
{
	struct cpu *cpu = t->cpu;
	bool crowded;

	runqueue_remove(q, t);
	t->priority = priority;
	crowded = q->ready;
	runqueue_append(q, t);
	spin_unlock(&q->lock);
	notice_ready(cpu, priority, crowded);
}

void sched_set_priority(struct thread *t, uint32_t priority)
{
	struct runqueue *q = lock_queue_of(t);

	t->asked_priority = priority;
	if (told_to_leave(t) && priority > PRIORITY_USUAL)	/* others wait for what it has, or
								 * for its stop, and must not wait
								 * for an idle CPU */
		priority = PRIORITY_USUAL;
	if (t->state == THREAD_QUEUED && priority != t->priority) {
		requeue_locked(q, t, priority);
		return;
	}
	t->priority = priority;
	if (t->state == THREAD_RUNNING && priority && runqueue_has(q, priority - 1))
		ask_to_yield(t);
	spin_unlock(&q->lock);
}

void sched_renew_priority(struct thread *t)
{
	sched_set_priority(t, t->asked_priority);
}

/* Who has no home gets none. The queue of @t is locked. */
static void set_places(struct thread *t, uint64_t affinity)
{
	t->affinity = affinity;
	if (t->homes)
		t->homes = affinity;
}

void sched_set_affinity(struct thread *t, uint64_t affinity)
{
	struct runqueue *q = lock_queue_of(t);

	affinity &= sched_online_cpus();
	if (affinity == sched_online_cpus())
		affinity = ANY_CPU;
	if (t->state == THREAD_QUEUED && affinity != t->affinity) {
		runqueue_remove(q, t);
		set_places(t, affinity);
		resume_locked(q, t);
		return;
	}
	set_places(t, affinity);
	if (t->state == THREAD_RUNNING && !(affinity >> t->cpu->index & 1))
		ask_to_yield(t);
	spin_unlock(&q->lock);
}

uint64_t sched_online_cpus(void)
{
	return __atomic_load_n(&online_cpus, __ATOMIC_RELAXED);
}

/* --- a CPU's life ---------------------------------------------------------------- */

int sched_alloc_idle(struct cpu *cpu)
{
	cpu->idle = kzalloc(sizeof(*cpu->idle));
	if (!cpu->idle)
		return -ENOMEM;
	cpu->idle->kstack_top = kstack_alloc();
	return cpu->idle->kstack_top ? 0 : -ENOMEM;
}

void sched_init_cpu(struct cpu *cpu, struct thread *idle)
{
	cpu->queue = &queues[cpu->index];
	runqueue_init(cpu->queue);
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

	/* The threads were queued before this looks for idle CPUs, which say that they are before
	 * they look there. */
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

/*
 * Take a thread from another CPU's queue into ours. Interrupts are let in after each queue that has
 * none for us, or 64 CPUs' queues would be too many for once.
 */
static bool steal(struct cpu *self)
{
	for (uint32_t i = 1; i < cpu_count; i++) {
		struct runqueue *q = queue_of(&cpus[(self->index + i) % cpu_count]);
		struct thread *t;

		if (!__atomic_load_n(&q->ready, __ATOMIC_RELAXED))
			continue;
		spin_lock(&q->lock);
		t = runqueue_steal(q, self->index);
		if (t)
			__atomic_store_n(&t->cpu, self, __ATOMIC_RELAXED);
		spin_unlock(&q->lock);
		if (t) {
			queue_on(self, t);
			return true;
		}
		irq_window();
	}
	return false;
}

/* Nothing to run and nobody to wake: no tick is needed. sched.c starts it again with the next
 * program. */
static void rest_tick(struct runqueue *q)
{
	if (q->tick_hz && !q->tick_rests && !q->sleepers.soonest) {
		lapic_timer_periodic(0);
		q->tick_rests = true;
	}
}

/* Once more, for steal() has let interrupts in: one that was to end the HLT may have come. It has
 * put a thread here, or whoever sent it took our bit away. */
static bool halt_allowed(const struct runqueue *q, uint64_t bit)
{
	return !q->ready && __atomic_load_n(&sched_idle_cpus, __ATOMIC_RELAXED) & bit;
}

void sched_idle(void (*meanwhile)(void))
{
	struct cpu *cpu = this_cpu();
	struct runqueue *q = queue_of(cpu);
	uint64_t bit = 1ul << cpu->index;

	for (;;) {
		meanwhile();
		/* Idle first, then look: whoever queues a thread after our look sees the bit and
		 * sends an interrupt, which ends the HLT. */
		__atomic_or_fetch(&sched_idle_cpus, bit, __ATOMIC_SEQ_CST);
		if (!q->ready && !steal(cpu) && halt_allowed(q, bit)) {
			rest_tick(q);
			idle_wait();
		}
		__atomic_and_fetch(&sched_idle_cpus, ~bit, __ATOMIC_SEQ_CST);
		if (q->ready)
			sched_yield();
	}
}
