/* SPDX-License-Identifier: MIT */
/* process_internal.h - what thread.c and process.c know of each other. */
#ifndef KERNEL_PROCESS_INTERNAL_H
#define KERNEL_PROCESS_INTERNAL_H

#include "kernel/spinlock.h"

struct process;
struct thread;

/* Guards the process list, every process's fields and the tid table. */
extern struct spinlock process_lock;

/* The last thread of @p is ending. process_lock held. */
void process_ended(struct process *p);
/* @t of @p is retired: after the last the space is freed, and perhaps @p. No lock held. */
void process_forget_thread(struct process *p, struct thread *t);
/* Forget every tid of @p. process_lock held. */
void thread_slots_release(const struct process *p);

#endif
