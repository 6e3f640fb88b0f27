/* SPDX-License-Identifier: MIT */
/* thread.h - threads and the processes that own them. */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/trapframe.h"
#include "kernel/lib/list.h"
#include "kernel/lib/spinlock.h"
#include "kernel/sched/sleepers.h"
#include "mm/aspace.h"
#include "mm/stacks.h"

enum thread_state {
	THREAD_READY,			/* in no queue: new, or on its way to one */
	THREAD_QUEUED,			/* ready, on its CPU's run queue */
	THREAD_RUNNING,
	THREAD_SLEEPING,		/* in sched_sleep(): a program's sleep() */
	THREAD_BLOCKED,			/* in sched_block(): waits for something in the kernel */
	THREAD_MIGRATING,		/* leaves its CPU for thread->cpu's; queued there once its stack is left */
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
struct process;

struct thread {
	uint64_t kernel_rsp;		/* saved by switch_stacks() while it does not run */
	uint64_t kstack_top;
	struct trapframe *frame;	/* its user frame: top of the kernel stack or of the trampoline */
	struct trampoline trampoline;	/* va 0 when the design has none */
	struct process *process;	/* NULL: a kernel thread */
	void *fpu;			/* XSAVE area, 64-byte aligned */
	uint64_t fs_base;
	uint64_t selectors;		/* user DS, ES, FS, GS, 16 bits each */
	enum stop_state stop;		/* this and what follows: under process_lock, see kernel/object/threadstop.c */
	struct thread *stopper;		/* who waits in thread_stop() for it */
	uint64_t stopped_fs_base;	/* STOP_DONE: what fs_base will be */
	uint32_t work;			/* WORK_STOP, or 0: goes into percpu->work whenever it is loaded */

	uint32_t tid;			/* see kernel/object/tid.h */
	/* From here to slice: under the queue lock of its CPU. */
	enum thread_state state;
	struct cpu *cpu;		/* whose run queue it belongs to */
	struct cpu *next_cpu;		/* THREAD_MIGRATING: where to */
	uint64_t affinity;		/* bit n: may run on CPU n; all 64 where it may run anywhere */
	uint32_t priority;
	bool wake_pending;		/* wake() came before sleep() */
	bool unblock_pending;		/* sched_unblock() came before sched_block() */
	int sleep_result;		/* why the last sched_sleep() ended: 0, -ETIMEDOUT, -EINTR */
	struct sleeper sleeper;		/* its node among the CPU's timed sleepers */
	struct list link;		/* run queue; next alone: list of the dead */
	uint64_t appended;		/* THREAD_QUEUED: the how manieth that came to this queue */
	uint32_t slice;			/* ticks that others wait before it is preempted */
	struct list sibling;		/* process->threads; under process_lock */
	bool told;			/* of its process's end; at the end of that list, and of no less than the usual
					 * priority. Likewise */
	void (*kernel_main)(void *);	/* kernel threads */
	void *kernel_arg;
};

/*
 * Under process_lock but for what never changes after the process was published.  What may be found, how long,
 * and who frees it: kernel/object/README.md.
 */
struct process {
	uint32_t pid;			/* no other process has it, see kernel/object/pid.h */
	uint32_t refs;			/* itself until it is torn down, the parent's child list, a waiter */
	struct aspace *as;
	struct budget *budget;
	uint32_t rights;		/* RIGHT_*: its own, */
	uint32_t spawn_rights;		/* and what its children are born with */
	struct list threads;		/* alive or not yet reaped */
	uint32_t live_threads;		/* that have not ended */
	uint32_t unreaped_threads;	/* whose memory is not freed yet: the space must stay */
	uint32_t tids;			/* first of its slots, see kernel/object/tid.c */
	uint32_t thread_units, spare_units;	/* charged for threads, and of these not in use */
	struct process *parent;		/* NULL: nobody will wait for it */
	struct list children, child;	/* those whose parent it is; its place among its parent's */
	struct list all;		/* every process, for the audit */
	struct process *hash_next;
	struct list teardown;		/* its place among those that kernel/object/reap.c takes apart */
	uint64_t teardown_ticket;	/* the how manieth of them */
	bool teardown_busy;		/* a CPU is at it */
	struct thread *waiter;		/* the parent's thread in wait(); it has the claim and a reference */
	uint32_t exit_status;
	bool dying;			/* its threads end before they reach user mode again */
	bool dead;			/* no thread left */
	bool skip_ud;			/* BENCH_SKIP_UD */
	char name[24];
};

#endif
