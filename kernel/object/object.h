/* SPDX-License-Identifier: MIT */
/* object.h - a process. Its threads: kernel/sched/thread.h; its functions: process.h. */
#ifndef KERNEL_OBJECT_H
#define KERNEL_OBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/lib/list.h"
#include "kernel/sched/thread.h"
#include "mm/aspace.h"

/*
 * Under process_lock but for what never changes after the process was published.  What may be
 * found, how long, and who frees it: kernel/object/README.md.
 */
struct process {
	uint32_t pid;			/* no other process has it, see kernel/object/pid.h */
	uint32_t refs;	/* itself until it is torn down, the parent's child list, a waiter */
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
	struct process *hash_next, **hash_at;	/* its chain by pid: the next, and who points
						 * here */
	struct list teardown;	/* its place among those that kernel/object/reap.c takes apart */
	uint64_t teardown_ticket;	/* the how manieth of them */
	bool teardown_busy;		/* a CPU is at it */
	struct thread *waiter;		/* the parent's thread in wait(); it has the claim and a
					 * reference */
	uint32_t exit_status;
	bool dying;			/* its threads end before they reach user mode again */
	bool dead;			/* no thread left */
	char name[24];
};

#endif
