/* SPDX-License-Identifier: MIT */
/* sched_wait.c - threads that wait: sleep and wake, block and unblock, and who is got out of it. */
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "kernel/abi.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/sched_internal.h"
#include "kernel/sync/spinlock.h"

int sched_sleep(uint64_t timeout_ns)
{
	struct thread *t = current_thread();
	struct runqueue *q = queue_of(t->cpu);

	spin_lock(&q->lock);
	t->sleep_result = 0;
	if (t->wake_pending || t->work || t->told) {
		t->sleep_result = t->wake_pending ? 0 : -EINTR;
		t->wake_pending = false;
		spin_unlock(&q->lock);
		return t->sleep_result;
	}
	t->state = THREAD_SLEEPING;
	if (timeout_ns)
		sleepers_add(&q->sleepers, &t->sleeper, rdtsc() + clock_ns_to_tsc(timeout_ns));
	schedule_locked(q);
	return t->sleep_result;
}

void sched_wake(struct thread *t)
{
	struct runqueue *q = lock_queue_of(t);

	if (t->state == THREAD_SLEEPING) {
		resume_locked(q, t);
	} else {
		t->wake_pending = true;
		spin_unlock(&q->lock);
	}
}

void sched_block(void)
{
	struct thread *t = current_thread();
	struct runqueue *q = queue_of(t->cpu);

	spin_lock(&q->lock);
	if (t->unblock_pending) {
		t->unblock_pending = false;
		spin_unlock(&q->lock);
		return;
	}
	t->state = THREAD_BLOCKED;
	schedule_locked(q);
}

void sched_unblock(struct thread *t)
{
	struct runqueue *q = lock_queue_of(t);

	if (t->state == THREAD_BLOCKED) {
		resume_locked(q, t);
	} else {
		t->unblock_pending = true;
		spin_unlock(&q->lock);
	}
}

void sched_interrupt(struct thread *t)
{
	struct runqueue *q = lock_queue_of(t);

	if (t->state == THREAD_SLEEPING || t->state == THREAD_BLOCKED) {
		t->sleep_result = -EINTR;
		resume_locked(q, t);
		return;
	}
	/* It may be on its way to sched_block(); sched_sleep() looks by itself. */
	t->unblock_pending = true;
	if (t->state == THREAD_RUNNING && t != current_thread())
		send_reschedule(t->cpu);
	spin_unlock(&q->lock);
}
