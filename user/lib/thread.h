/* SPDX-License-Identifier: MIT */
/* thread.h - threads with a stack of their own. */
#ifndef USER_THREAD_H
#define USER_THREAD_H

#define THREAD_STACK_SIZE 0x4000	/* bytes, demand-zero */

struct user_thread {
	long tid;
	void *stack;
};

/* Run body(arg) on a new thread. 0 with *t filled in, or a negative error of map() or thread_create(). */
int thread_start(struct user_thread *t, void (*body)(void *), void *arg);
/* Wait until it has ended and give its stack back. 0 or a negative error of thread_join(). */
int thread_finish(struct user_thread *t);

#endif
