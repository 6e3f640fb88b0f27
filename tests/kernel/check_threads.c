/* SPDX-License-Identifier: MIT */
/* check_threads.c - threads: each one's state against the queue, the stop and the stack that go
 * with it. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/x86.h"
#include "entry/trampoline.h"
#include "kernel/abi.h"
#include "kernel/object/process_internal.h"
#include "kernel/object/tid.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/sched_internal.h"
#include "mm/heap.h"
#include "tests/kernel/invariants.h"

static const char *check_state(const struct thread *t)
{
	uint32_t pid = t->process->pid, tid = t->tid;
	bool waits = thread_waits(t);

	MUST(t->state != THREAD_READY, "process %u, thread %u is ready, and in no queue", pid, tid);
	MUST(t->state != THREAD_MIGRATING, "process %u, thread %u is between two CPUs", pid, tid);
	if (t->state == THREAD_RUNNING)
		MUST(t->cpu->percpu->current == t, "process %u, thread %u is running, on no CPU",
		     pid, tid);
	MUST(t->state != THREAD_SLEEPING || !t->woken,
	     "process %u, thread %u sleeps over a wake()", pid, tid);
	MUST(t->state != THREAD_BLOCKED || !t->unblock_pending,
	     "process %u, thread %u waits over what it waits for", pid, tid);
	MUST(!told_to_leave(t) || t->priority <= PRIORITY_USUAL,
	     "process %u, thread %u is to leave, and may wait for an idle CPU", pid, tid);
	MUST(told_to_leave(t) || t->priority == t->asked_priority,
	     "process %u, thread %u has not the priority that was asked for", pid, tid);
	MUST(!waits || !t->told, "process %u, thread %u waits, and knows of its process's end", pid,
	     tid);
	MUST(!waits || t->stop != STOP_WANTED, "process %u, thread %u waits, and is to stop", pid,
	     tid);
	MUST(t->stop != STOP_DONE || t->state != THREAD_SLEEPING,
	     "process %u, thread %u sleeps, and is stopped", pid, tid);
	MUST(t->work == (t->stop ? WORK_STOP : 0),
	     "process %u, thread %u: its word for work is 0x%x", pid, tid, t->work);
	return NULL;
}

static const char *check_place(const struct thread *t)
{
	uint32_t pid = t->process->pid, tid = t->tid;
	uint64_t lowest = t->kstack_top - KSTACK_PAGES * PAGE_SIZE;

	MUST(t->affinity & sched_online_cpus(), "process %u, thread %u may run on no CPU", pid,
	     tid);
	MUST(!t->homes || t->homes == t->affinity,
	     "process %u, thread %u: its homes are not where it may run", pid, tid);
	MUST(t->priority < PRIORITY_COUNT, "process %u, thread %u has no priority", pid, tid);
	MUST(t->priority || t->process->rights & RIGHT_PRIORITY,
	     "process %u, thread %u is urgent without the right", pid, tid);
	MUST(t->state == THREAD_RUNNING ||
		     (t->kernel_rsp > lowest && t->kernel_rsp < t->kstack_top),
	     "process %u, thread %u: its RSP is not on its kernel stack", pid, tid);
	MUST((uint64_t)(t->frame + 1) ==
		     (trampoline_of(t) ? trampoline_of(t)->top : t->kstack_top),
	     "process %u, thread %u: its frame is not where it lands", pid, tid);
	MUST(heap_holds(t, sizeof(*t)) && heap_holds(t->fpu, fpu_area_size()),
	     "process %u, thread %u is no object of the heap", pid, tid);
	return NULL;
}

static const char *check_thread(const struct thread *t)
{
	const struct tid_slot *s = tid_slot_of(t->tid);
	bool named = s->thread == t && s->generation == t->tid >> TID_SLOT_BITS &&
		     s->owner == t->process;
	const char *wrong;

	MUST(named == (t->state != THREAD_DEAD),
	     "process %u, thread %u: its number does not go with its life", t->process->pid,
	     t->tid);
	wrong = t->state == THREAD_DEAD ? NULL : check_state(t);
	return wrong ? wrong : check_place(t);
}

/* A system call's number is where an error code would be. */
static bool starts_program(const struct trapframe *f)
{
	return f->vector == VECTOR_SYSCALL && (f->error == SYS_SPAWN || f->error == SYS_SPAWN_WITH);
}

static void count(const struct thread *t, struct invariants *i)
{
	i->threads++;
	i->queued += t->state == THREAD_QUEUED;
	i->sleepers += t->sleeper.wake_at != 0;
	i->dead += t->state == THREAD_DEAD;
	i->trampolines += trampoline_of(t) != NULL;
	i->spawning += starts_program(t->frame);
}

/* Those that know of the end are at the end of the list. */
static const char *check_list(const struct process *p)
{
	bool told = false;

	LIST_EACH(at, &p->threads) {
		const struct thread *t = LIST_OBJECT(at, struct thread, sibling);

		MUST(at->next->before == at && at->before->next == at,
		     "process %u: the links of its threads do not match", p->pid);
		MUST(t->process == p, "process %u lists thread %u, which is another's", p->pid,
		     t->tid);
		MUST(t->told || !told, "process %u: thread %u was not told of its end in its turn",
		     p->pid, t->tid);
		told = t->told;
	}
	MUST(!told || p->dying, "process %u: a thread was told of an end that is none", p->pid);
	return NULL;
}

const char *check_threads(const struct process *p, struct invariants *i)
{
	uint32_t all = 0, live = 0;
	const char *wrong = check_list(p);

	if (wrong)
		return wrong;
	LIST_EACH(at, &p->threads) {
		const struct thread *t = LIST_OBJECT(at, struct thread, sibling);

		if ((wrong = check_thread(t)))
			return wrong;
		all++;
		live += t->state != THREAD_DEAD;
		count(t, i);
	}
	MUST(live == p->live_threads, "process %u counts %u threads that live, and has %u", p->pid,
	     p->live_threads, live);
	MUST(all == p->unreaped_threads, "process %u counts %u threads in all, and has %u", p->pid,
	     p->unreaped_threads, all);
	return NULL;
}

/* --- the queues: what is in them, which sched_find_wrong() has found in order ----------------- */

static uint64_t count_queued(const struct runqueue *q)
{
	uint64_t n = 0;

	for (unsigned list = 0; list < RUNQUEUE_LISTS; list++)
		LIST_EACH(at, &q->lists[list])
			n += thread_of_link(at)->process != NULL;
	return n;
}

static uint64_t count_sleepers(const struct runqueue *q)
{
	uint64_t n = 0;

	for (const struct sleeper *s = q->sleepers.soonest; s; s = sleepers_next(s))
		n += thread_of_sleeper(s)->process != NULL;
	return n;
}

const char *check_queues(const struct invariants *i)
{
	uint64_t queued = 0, sleepers = 0, dead = 0, all_dead = 0;

	for (uint32_t n = 0; n < cpu_count; n++) {
		queued += count_queued(queue_of(&cpus[n]));
		sleepers += count_sleepers(queue_of(&cpus[n]));
	}
	for (const struct list *at = sched_dead; at && all_dead <= sched_dead_count();
	     at = at->next) {
		all_dead++;
		dead += thread_of_link(at)->process != NULL;
	}
	MUST(queued == i->queued, "%lu threads are ready, and %lu in the queues", i->queued,
	     queued);
	MUST(sleepers == i->sleepers, "%lu threads sleep until a time, and %lu are in the heaps",
	     i->sleepers, sleepers);
	MUST(all_dead == sched_dead_count(), "%lu threads are counted as dead, and %lu listed",
	     sched_dead_count(), all_dead);
	MUST(dead == i->dead, "%lu threads are dead, and %lu on their list", i->dead, dead);
	return NULL;
}
