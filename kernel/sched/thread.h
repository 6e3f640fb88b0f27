/* SPDX-License-Identifier: MIT */
/* thread.h - what the scheduler schedules. Its functions: kernel/object/process.h. */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/segments.h"
#include "arch/x86_64/trapframe.h"
#include "kernel/lib/list.h"
#include "kernel/sched/sleepers.h"

enum thread_state {
	THREAD_READY,			/* in no queue: new, or on its way to one */
	THREAD_QUEUED,			/* ready, on its CPU's run queue */
	THREAD_RUNNING,
	THREAD_SLEEPING,		/* in sched_wait(), for a program's wake() or a time */
	THREAD_BLOCKED,			/* in sched_wait(), for something in the kernel */
	THREAD_MIGRATING,		/* leaves its CPU for thread->cpu's; queued there once
					 * its stack is left */
	THREAD_DEAD,
};

enum stop_state {
	STOP_NONE,
	STOP_WANTED,			/* it stops before it reaches user mode again */
	STOP_DONE,			/* its user state lies in its frame and does not change */
};

/* PRIORITY_* of kernel/abi.h. */
#define PRIORITY_COUNT 3

struct cpu;
struct entry_design;
struct process;
struct tlb_space;

struct thread {
	uint64_t kernel_rsp;		/* saved by switch_stacks() while it does not run */
	uint64_t kstack_top;
	struct trapframe *frame;	/* its user frame: top of the kernel stack or of the
					 * trampoline */
	struct process *process;	/* NULL: a kernel thread */
	struct tlb_space *space;	/* its process's; NULL for a kernel thread, like the next */
	const struct entry_design *design;	/* by which it enters the kernel */
	void *entry_data;		/* what that keeps for it; opaque outside entry/ */
	void *fpu;			/* XSAVE area, 64-byte aligned */
	struct user_segments segments;
	enum stop_state stop;		/* this and what follows: under process_lock, see
					 * kernel/object/threadstop.c */
	struct thread *stopper;		/* who waits in thread_stop() for it */
	uint64_t stopped_fs_base;	/* STOP_DONE: what segments.fs_base will be */
	uint32_t work;	/* WORK_STOP, or 0: goes into percpu->work whenever it is loaded */

	uint32_t tid;			/* see kernel/object/tid.h */
	/* From here to slice: under the queue lock of its CPU. */
	enum thread_state state;
	struct cpu *cpu;		/* whose run queue it belongs to */
	struct cpu *next_cpu;		/* THREAD_MIGRATING: where to */
	uint64_t affinity;	/* bit n: may run on CPU n; all 64 where it may run anywhere */
	uint64_t homes;			/* bit n: CPU n may keep it when it is there, and take it
					 * from another. Its affinity; or none, of a thread
					 * that tests have moved on and on */
	uint32_t priority;		/* by which it is queued */
	uint32_t asked_priority;	/* that was set; one that is told to leave is no less
					 * urgent than the usual */
	bool unblock_pending;		/* sched_unblock() came before sched_wait() */
	bool woken;			/* by wake(), and no sleep() has returned for it yet */
	struct sleeper sleeper;		/* its node among the CPU's timed sleepers */
	struct list link;		/* run queue; next alone: list of the dead */
	uint64_t appended;		/* THREAD_QUEUED: the how manieth that came to this queue */
	uint32_t slice;			/* ticks that others wait before it is preempted */
	struct list sibling;		/* process->threads; under process_lock */
	bool told;			/* of its process's end; at the end of that list, and of
					 * no less than the usual priority. Likewise */
	void (*kernel_main)(void *);	/* kernel threads */
	void *kernel_arg;
};

/* In sched_wait(). Under the queue lock of its CPU. */
static inline bool thread_waits(const struct thread *t)
{
	return t->state == THREAD_SLEEPING || t->state == THREAD_BLOCKED;
}

#endif
