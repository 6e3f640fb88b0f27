/* SPDX-License-Identifier: MIT */
/* sched_internal.h - what sched.c, sched_wait.c and sched_cpu.c share. */
#ifndef KERNEL_SCHED_INTERNAL_H
#define KERNEL_SCHED_INTERNAL_H

#include "arch/x86_64/cpu.h"
#include "kernel/sched/runqueue.h"

extern uint64_t sched_idle_cpus;	/* bit n: CPU n idles, or looks for work; atomics */

static inline struct runqueue *queue_of(const struct cpu *cpu)
{
	return cpu->queue;
}

/* @t has been told to end or to stop. Any context. */
static inline bool told_to_leave(const struct thread *t)
{
	return __atomic_load_n(&t->work, __ATOMIC_RELAXED) ||
	       __atomic_load_n(&t->told, __ATOMIC_RELAXED);
}

/* Lock the queue that @t belongs to; it may move until we have it. */
struct runqueue *lock_queue_of(struct thread *t);
/* Make @t, which waits or was just taken out of @q, ready where it may run. @q, its queue,
 * is locked on entry, not on return. */
void resume_locked(struct runqueue *q, struct thread *t);
/* Queue @t, which is READY, @cpu's and in no queue, there or, if its affinity has changed on the
 * way, where it may run. No lock held. */
void queue_on(struct cpu *cpu, struct thread *t);
void send_reschedule(struct cpu *cpu);
/* A thread of @priority has just become ready on @cpu, where others waited already when it is
 * @crowded: have it noticed. No lock held. */
void notice_ready(struct cpu *cpu, uint32_t priority, bool crowded);
/* Switch to the most urgent ready thread. This CPU's queue lock is held on entry, released on
 * return, perhaps on another CPU. */
void schedule_locked(struct runqueue *q);
/* Threads wait on @cpu: have an idle CPU come and steal, if there is one that may run any of them.
 * No lock held. */
void call_thief(const struct cpu *cpu);

#endif
