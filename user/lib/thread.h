/* SPDX-License-Identifier: MIT */
/* thread.h - threads with a stack of their own. */
#ifndef USER_THREAD_H
#define USER_THREAD_H

#define THREAD_STACK_SIZE 0x4000	/* bytes, demand-zero */

struct user_thread {
	long tid;
	void *stack;
};

/* Run body(arg) on a new thread. 0 with *t filled in, or a negative error of map() or
 * thread_create(). */
int thread_start(struct user_thread *t, void (*body)(void *), void *arg);
/* Wait until it has ended and give its stack back. 0 or a negative error of thread_join(). */
int thread_finish(struct user_thread *t);

/* The registers of a thread that is stopped. 0 or a negative error of the system call. */
struct thread_registers;
long thread_get(const struct user_thread *t, struct thread_registers *r);
long thread_set(const struct user_thread *t, const struct thread_registers *r);
/* Stop it wherever it is, send it to its end, and thread_finish() it. 0 or the first negative
 * error. */
long thread_cut_off(struct user_thread *t);

#endif
