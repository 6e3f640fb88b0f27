/* SPDX-License-Identifier: MIT */
/* sched_wait.c - threads that wait, who is got out of it, and what programs make of it. */
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "kernel/abi.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/sched_internal.h"
#include "kernel/sync/spinlock.h"

/* The queue of @t, the current thread, is locked on entry, not on return. */
static inline __attribute__((always_inline)) void wait_locked(struct runqueue *q, struct thread *t,
							      enum thread_state as,
							      uint64_t deadline)
{
	if (t->unblock_pending) {
		t->unblock_pending = false;
		spin_unlock(&q->lock);
		return;
	}
	t->state = as;
	if (deadline)
		sleepers_add(&q->sleepers, &t->sleeper, deadline);
	schedule_locked(q);
}

void sched_wait(enum thread_state as, uint64_t deadline)
{
	struct thread *t = current_thread();
	struct runqueue *q = queue_of(t->cpu);

	spin_lock(&q->lock);
	wait_locked(q, t, as, deadline);
}

void sched_unblock(struct thread *t)
{
	struct runqueue *q = lock_queue_of(t);

	if (thread_waits(t)) {
		resume_locked(q, t);
	} else {
		t->unblock_pending = true;
		spin_unlock(&q->lock);
	}
}

void sched_interrupt(struct thread *t)
{
	struct runqueue *q = lock_queue_of(t);

	if (thread_waits(t)) {
		resume_locked(q, t);
		return;
	}
	t->unblock_pending = true;	/* it may be on its way to sched_wait() */
	if (t->state == THREAD_RUNNING && t != current_thread())
		send_reschedule(t->cpu);
	spin_unlock(&q->lock);
}

/* --- a program's sleep() and wake() ---------------------------------------------- */

/* Its queue is locked. 1: it sleeps on. */
static int why_awake(struct thread *t, uint64_t deadline)
{
	if (t->woken) {
		t->woken = false;
		return 0;
	}
	if (told_to_leave(t))
		return -EINTR;
	return deadline && rdtsc() >= deadline ? -ETIMEDOUT : 1;
}

/* At least one wait, unless somebody was faster: one that asks for no time gives way all the
 * same. */
int sched_sleep(uint64_t timeout_ns)
{
	struct thread *t = current_thread();
	uint64_t deadline = timeout_ns ? rdtsc() + clock_ns_to_tsc(timeout_ns) : 0, passed = 0;

	for (;;) {
		struct runqueue *q = queue_of(t->cpu);
		int why;

		spin_lock(&q->lock);
		why = why_awake(t, passed);
		if (why != 1) {
			spin_unlock(&q->lock);
			return why;
		}
		wait_locked(q, t, THREAD_SLEEPING, deadline);
		passed = deadline;
	}
}

/* Nothing to who waits in the kernel: a program could have him look, with interrupts off, for as
 * long as it calls. */
void sched_wake(struct thread *t)
{
	struct runqueue *q = lock_queue_of(t);

	t->woken = true;
	if (t->state == THREAD_SLEEPING)
		resume_locked(q, t);
	else
		spin_unlock(&q->lock);
}
