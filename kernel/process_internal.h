/* SPDX-License-Identifier: MIT */
/* process_internal.h - what thread.c and process.c know of each other. */
#ifndef KERNEL_PROCESS_INTERNAL_H
#define KERNEL_PROCESS_INTERNAL_H

#include "kernel/spinlock.h"

struct process;

/* Guards the process list, every process's fields and the tid table. */
extern struct spinlock process_lock;

/* The last thread of @p is ending. process_lock held. */
void process_ended(struct process *p);
/* A thread of @p was reaped; frees the space after the last. No lock held. */
void process_reaped_thread(struct process *p);
/* Forget every tid of @p. process_lock held. */
void thread_slots_release(const struct process *p);

#endif
