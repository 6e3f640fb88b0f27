/* SPDX-License-Identifier: MIT */
/* sched.h - per-CPU run queues, priorities, affinity, work stealing; sleeping and waking. */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/sched/thread.h"

struct trapframe;

#define SCHED_TICK_HZ	100
#define SCHED_SLICE	2		/* ticks while others wait; the first may be all but over */

/* Let others run; the current thread stays ready. IRQs off. */
void sched_yield(void);
/* Put a new thread on a run queue. IRQs off. */
void sched_make_ready(struct thread *t);

/*
 * The one way to wait: until sched_unblock(), or until the tick that follows @deadline (TSC; 0:
 * none). An unblock that came first is not lost: the wait then returns at once. It may also return
 * for nothing, so whoever waits does it in a loop that looks at what he waits for. @as says what
 * that is to those who look at threads: THREAD_SLEEPING or THREAD_BLOCKED. IRQs off.
 */
void sched_wait(enum thread_state as, uint64_t deadline);
void sched_unblock(struct thread *t);

/* A program's sleep(): until sched_wake() or @timeout_ns (0: no limit). 0, -ETIMEDOUT, or -EINTR
 * when the thread is to stop or its process is dying. A wake that came first returns at once,
 * whatever the thread has waited for in between. IRQs off. */
int sched_sleep(uint64_t timeout_ns);
/* Wake @t, or have its next sleep() return. What it waits for in the kernel, it goes on waiting
 * for. IRQs off. */
void sched_wake(struct thread *t);

/*
 * A point within a long operation of the kernel: interrupts are let in, and other threads when one
 * is due. An operation whose length a program chooses has one at least every 10,000 instructions.
 * Called on the thread's kernel stack, kernel table, IRQs off, no lock held. What was read of this
 * CPU before it is stale after it, for the thread may come back on another. True when the thread
 * has to end or to stop: the operation then leaves things whole and returns -EINTR, or with the
 * part that is done.
 */
bool sched_point(void);

/* A new thread's first C, queue lock held. A kernel thread's life is in here. True when it is a
 * program's, on its way to user mode. */
bool sched_start(void);
/* End the current thread's life: it is handed to the reaper once its stack is left. IRQs off. */
void sched_exit(void) __attribute__((noreturn));
/* Threads that sched_exit() ended and whose stacks are free: one, or NULL. Any CPU. */
struct thread *sched_take_dead(void);
uint64_t sched_dead_count(void);	/* how many there are */
extern struct list *sched_dead;	/* who only looks whether there is one needs no lock */

static inline bool sched_any_dead(void)
{
	return __atomic_load_n(&sched_dead, __ATOMIC_RELAXED);
}

/* @cpu's idle thread, with a stack. 0 or -ENOMEM. */
int sched_alloc_idle(struct cpu *cpu);
/* Make @idle, whose stack the caller runs on, this CPU's idle and current thread. IRQs off. */
void sched_init_cpu(struct cpu *cpu, struct thread *idle);

/* Its process is dying, or it is to stop, which the caller has put down in the process or in
 * t->work: get @t out of any sleep (-EINTR) or wait, and into exit_work() before it comes to user
 * mode, or out of it at once. IRQs off. */
void sched_interrupt(struct thread *t);
/* Change how @t is scheduled. What follows from it happens at once, or on the way out of the
 * kernel: a thread that is less urgent now makes way, one that is more urgent goes first, one that
 * is on a wrong CPU moves. A thread that is told to end or to stop is at the usual priority, at
 * least: whoever changes that calls sched_renew_priority(). @affinity names at least one CPU that
 * is online. IRQs off. */
void sched_set_priority(struct thread *t, uint32_t priority);
void sched_renew_priority(struct thread *t);
void sched_set_affinity(struct thread *t, uint64_t affinity);
uint64_t sched_online_cpus(void);	/* bit n: CPU n runs threads */
void sched_cpu_online(struct cpu *cpu);	/* by the CPU itself, before sched_idle() */
void sched_reschedule_irq(struct trapframe *frame);	/* VECTOR_RESCHEDULE */
/* The periodic tick of this CPU: @hz 0 stops it. It rests by itself while the CPU idles with no
 * timed sleeper. */
void sched_set_tick(uint32_t hz);
/* For tests: panics, naming the CPU and what is wrong, where a queue breaks a rule. Looks at every
 * queued or sleeping thread with its queue locked. IRQs off. */
void sched_check(void);
/* The same without the panic: what is wrong, with *@cpu set, or NULL. */
const char *sched_find_wrong(uint32_t *cpu);
extern uint64_t sched_ipis_sent;	/* all CPUs; written with relaxed atomics */
/* What an idle CPU does: @meanwhile, and wait for a thread. */
void sched_idle(void (*meanwhile)(void)) __attribute__((noreturn));
void sched_tick(struct trapframe *frame);	/* VECTOR_TIMER: slice, timed sleepers */
void sched_later_irq(struct trapframe *frame);	/* VECTOR_LATER: sleepers that were too many */

#endif
