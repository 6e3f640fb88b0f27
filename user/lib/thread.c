/* SPDX-License-Identifier: MIT */
/* thread.c - give a new thread a stack, and take it back. */
#include "thread.h"
#include "user.h"

struct start {			/* at the top of the new stack */
	void (*body)(void *);
	void *arg;
};

static void thread_entry(struct start *s)
{
	s->body(s->arg);
	sys_thread_exit();
}

int thread_start(struct user_thread *t, void (*body)(void *), void *arg)
{
	t->stack = map_memory(THREAD_STACK_SIZE, PROT_WRITE);
	if (!t->stack)
		return -ENOMEM;

	struct start *s = (struct start *)((char *)t->stack + THREAD_STACK_SIZE) - 1;

	*s = (struct start){ body, arg };
	/* A function expects rsp as CALL leaves it: 8 below a multiple of 16. */
	t->tid = sys_thread_create((uintptr_t)thread_entry, (uintptr_t)s - 8, (uintptr_t)s);
	if (t->tid < 0)
		sys_unmap((uintptr_t)t->stack, THREAD_STACK_SIZE);
	return t->tid < 0 ? (int)t->tid : 0;
}

int thread_finish(struct user_thread *t)
{
	long error = sys_thread_join((unsigned long)t->tid);

	if (!error)
		sys_unmap((uintptr_t)t->stack, THREAD_STACK_SIZE);
	return (int)error;
}

long thread_get(const struct user_thread *t, struct thread_registers *r)
{
	return sys_thread_get_registers((unsigned long)t->tid, (uintptr_t)r);
}

long thread_set(const struct user_thread *t, const struct thread_registers *r)
{
	return sys_thread_set_registers((unsigned long)t->tid, (uintptr_t)r);
}

long thread_cut_off(struct user_thread *t)
{
	struct thread_registers r;
	long error = sys_thread_stop((unsigned long)t->tid);

	if (!error)
		error = thread_get(t, &r);
	r.rip = (uintptr_t)sys_thread_exit;
	r.rsp = (uintptr_t)t->stack + THREAD_STACK_SIZE - 64;
	if (!error)
		error = thread_set(t, &r);
	if (!error)
		error = sys_thread_resume((unsigned long)t->tid);
	return error ? error : thread_finish(t);
}
