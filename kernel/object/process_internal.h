/* SPDX-License-Identifier: MIT */
/* process_internal.h - what process.c, spawn.c, thread.c, threadstop.c, tid.c, reap.c share. */
#ifndef KERNEL_PROCESS_INTERNAL_H
#define KERNEL_PROCESS_INTERNAL_H

#include <stdbool.h>
#include "kernel/object/object.h"
#include "kernel/sync/spinlock.h"

/* Guards the process list, every process's fields and the tid table. IRQs off; innermost but for
 * the queue locks and the budgets'. */
extern struct spinlock process_lock;

/* @t has to end or to stop: whatever it waits for in the kernel, it gives up. process_lock held. */
static inline bool thread_must_leave(const struct thread *t)
{
	return t->process->dying || t->work;
}

/* --- threads: kernel/object/thread.c ------------------------------------------------- */

/* A thread of @p with all that it will need, which nobody can find. 0 with *@out set, or a negative
 * errno and nothing has changed. Then either of the other two. No lock held. */
int thread_prepare(struct process *p, uint64_t rip, uint64_t rsp, uint64_t rdi, uint64_t rsi,
		   struct thread **out);
void thread_discard(struct thread *t);
/* Give it its number, and let it be found; or nothing has changed: -EAGAIN, no number is left,
 * or the process's budget has no room; -EINTR, the process is dying. process_lock held;
 * sched_make_ready() follows, without it. */
int thread_publish(struct thread *t);
/* @p is dead: give back what was charged for its threads. process_lock held. */
void thread_units_return(struct process *p);
/* It is dead and retired: its memory. */
void thread_free(struct thread *t);

/* --- processes: kernel/object/process.c; kernel/object/spawn.c starts one --------- */

/* A process that is charged to its budget and has a number, but no space; nobody can find it.
 * NULL with *@err set. Then it is published, or freed. No lock held. */
struct process *process_new(const char *name, struct process *parent, int *err);
/* @err, with which something failed that is charged to @p's space; -ENOMEM becomes -EAGAIN when
 * the limit is reached, and not the machine's memory used up. No lock held. */
int process_shortage(const struct process *p, int err);
/* From now on it is found; or -EAGAIN, and it is as it was. What may fail is to publish @first,
 * its own thread, and that comes first: only that thread could look for it. No lock held. */
int process_publish(struct process *p, struct thread *first);
/* It was never published, nor was @first, its thread, if it has one: what both have goes back. No
 * lock held. */
void process_discard(struct process *p, struct thread *first);
/* The last thread of @p is ending; does not return for the first process. process_lock held. */
void process_ended(struct process *p);
/* Give a reference back; true when it was the last: process_free() is the caller's, once the
 * lock is released. process_lock held. */
bool process_put(struct process *p);
void process_free(struct process *p);
/* @n children of dead @p at most become nobody's; @freed gets those that nobody holds any more,
 * by their place in the teardown. True when none is left. process_lock held. */
bool process_orphan_some(struct process *p, unsigned n, struct list *freed);

/* --- the dead: kernel/object/reap.c ------------------------------------------------------ */

/* @p is dead and its threads are reaped: tear it down, in steps. process_lock held. */
void teardown_add(struct process *p);

#endif
