/* SPDX-License-Identifier: MIT */
/* process_internal.h - what thread.c and process.c know of each other. */
#ifndef KERNEL_PROCESS_INTERNAL_H
#define KERNEL_PROCESS_INTERNAL_H

#include <stdbool.h>
#include "kernel/spinlock.h"
#include "kernel/thread.h"

/* Guards the process list, every process's fields and the tid table. */
extern struct spinlock process_lock;

/* @t has to end or to stop: whatever it waits for in the kernel, it gives up. process_lock held. */
static inline bool thread_must_leave(const struct thread *t)
{
	return t->process->dying || t->work;
}

/* The last thread of @p is ending. process_lock held. */
void process_ended(struct process *p);
/* @t of @p is retired: after the last the space is freed, and perhaps @p. No lock held. */
void process_forget_thread(struct process *p, struct thread *t);
/* Forget every tid of @p. process_lock held. */
void thread_slots_release(const struct process *p);

#endif
