/* SPDX-License-Identifier: MIT */
/* sched.h - per-CPU run queues, round robin; sleeping and waking. */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/thread.h"

#define SCHED_TICK_HZ	100
#define SCHED_SLICE	1		/* ticks */

/* Pick the next thread and switch to it. IRQs off, no lock held; the caller has set the current thread's state. */
void schedule(void);
/* Let others run; the current thread stays ready. IRQs off. */
void sched_yield(void);
/* Put a thread that sched_start() has never seen, or that slept, on a run queue. IRQs off. */
void sched_make_ready(struct thread *t);

/* Sleep until sched_wake() or @timeout_ns (0: no limit). IRQs off. 0, or -ETIMEDOUT. A pending wake returns at once. */
int sched_sleep(uint64_t timeout_ns);
/* Wake @t, or leave the wake pending. IRQs off. */
void sched_wake(struct thread *t);

void sched_init_cpu(struct cpu *cpu);	/* the calling context becomes this CPU's idle thread */
void sched_idle(void) __attribute__((noreturn));
void sched_tick(void);			/* timer interrupt: slice, timed sleepers. IRQs off */

#endif
