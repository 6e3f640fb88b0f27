/* SPDX-License-Identifier: MIT */
/* sched_internal.h - what sched.c (threads change hands) and sched_cpu.c (a CPU looks for work) share. */
#ifndef KERNEL_SCHED_INTERNAL_H
#define KERNEL_SCHED_INTERNAL_H

#include "arch/x86_64/cpu.h"
#include "kernel/runqueue.h"

extern struct runqueue sched_queues[MAX_CPUS];
extern uint64_t sched_idle_cpus;	/* bit n: CPU n idles, or is about to look for work once more; atomics */
extern bool sched_migrate_always;	/* for tests, see sched_force_migration() */

static inline struct runqueue *queue_of(const struct cpu *cpu)
{
	return &sched_queues[cpu->index];
}

/* Lock the queue that @t belongs to; it may move until we have it. */
struct runqueue *lock_queue_of(struct thread *t);
/* Make @t, which sleeps, blocks or was just taken out of @q, ready where it may run. @q, its queue, is locked on
 * entry, not on return. */
void resume_locked(struct runqueue *q, struct thread *t);
void send_reschedule(struct cpu *cpu);
/* Threads wait while a CPU of @allowed has nothing to do: have it come and steal. */
void call_thief(uint64_t allowed);

#endif
