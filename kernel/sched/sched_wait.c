/* SPDX-License-Identifier: MIT */
/* sched_wait.c - threads that wait, who is got out of it, and what programs make of it. */
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "kernel/abi.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/sched_internal.h"
#include "kernel/sync/spinlock.h"

/* sched_wait(), within sched_sleep() too, which is measured. */
static inline __attribute__((always_inline)) void wait_as(enum thread_state as, struct thread *t,
							  uint64_t deadline)
{
	struct runqueue *q = queue_of(t->cpu);

	spin_lock(&q->lock);
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
	wait_as(as, current_thread(), deadline);
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

/* Whoever takes a wake sees what its wakers wrote before it, so it is read and cleared as one. */
static bool take_wake(struct thread *t)
{
	return __atomic_load_n(&t->woken, __ATOMIC_RELAXED) &&
	       __atomic_exchange_n(&t->woken, false, __ATOMIC_ACQUIRE);
}

int sched_sleep(uint64_t timeout_ns)
{
	struct thread *t = current_thread();
	uint64_t deadline = timeout_ns ? rdtsc() + clock_ns_to_tsc(timeout_ns) : 0;

	for (bool waited = false;; waited = true) {
		if (take_wake(t))
			return 0;
		if (told_to_leave(t))
			return -EINTR;
		if (waited && deadline && rdtsc() >= deadline)
			return -ETIMEDOUT;
		wait_as(THREAD_SLEEPING, t, deadline);
	}
}

void sched_wake(struct thread *t)
{
	__atomic_store_n(&t->woken, true, __ATOMIC_RELEASE);
	sched_unblock(t);
}
