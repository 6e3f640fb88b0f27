/* SPDX-License-Identifier: MIT */
/* thread.h - threads and the processes that own them. */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/trapframe.h"
#include "kernel/spinlock.h"
#include "mm/aspace.h"
#include "mm/stacks.h"

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_SLEEPING, THREAD_DEAD };

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

	uint32_t tid;
	enum thread_state state;
	bool wake_pending;		/* wake() came before sleep() */
	bool timed_out;
	uint32_t slice;			/* ticks left before it is preempted */
	uint64_t wake_at;		/* TSC, in the sleep list when timed */
	struct thread *queue_next;	/* run queue, or reaper's list */
	struct thread *sleep_next;	/* timed sleepers, soonest first */
	struct thread *sibling;		/* process's list */
	struct thread *joiner;		/* sleeps until this thread is dead */
	void (*kernel_main)(void *);	/* kernel threads */
	void *kernel_arg;
};

struct process {
	uint32_t pid;
	struct aspace *as;
	struct thread *threads;
	uint32_t live_threads;
	struct process *parent;
	struct process *next;		/* all processes */
	struct thread *waiter;		/* the parent's thread in wait() */
	uint32_t exit_status;
	bool dying, dead;
	bool skip_ud;			/* BENCH_SKIP_UD */
	char name[24];
};

#endif
