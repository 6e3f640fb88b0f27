/* SPDX-License-Identifier: MIT */
/* process.c - processes: made, found, ended, waited for. kernel/object/spawn.c starts a program in
 * one. */
#include "kernel/object/process.h"
#include "arch/x86_64/percpu.h"
#include "kernel/abi.h"
#include "kernel/console/panic.h"
#include "kernel/console/printk.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/object/pid.h"
#include "kernel/object/process_internal.h"
#include "kernel/object/reap.h"
#include "kernel/sched/sched.h"
#include "kernel/sync/spinlock.h"
#include "mm/budget.h"
#include "mm/heap.h"

#define PROCESS_FRAMES 3		/* charged for its struct, its budget, its pair of roots */
#define TELL_AT_ONCE 4			/* threads, under one lock; each may call an idle CPU */

struct spinlock process_lock;

static struct list processes = LIST_INIT(processes);

/* --- found, held, freed -------------------------------------------------------- */

static struct process *find_child(uint32_t pid, const struct process *parent)
{
	struct process *p = pid_find(pid);

	return p && p->parent == parent ? p : NULL;
}

bool process_put(struct process *p)
{
	if (--p->refs)
		return false;
	pid_withdraw(p);
	list_remove(&p->all);
	return true;
}

void process_free(struct process *p)
{
	if (p->pid)
		pid_give(p->pid);
	if (p->budget) {
		budget_return(p->budget, PROCESS_FRAMES, 1);
		budget_put(p->budget);
	}
	kfree(p);
}

/* @p's parent will not ask after it any more. True when it was the last to hold it. process_lock
 * held. */
static bool disown(struct process *p)
{
	p->parent = NULL;
	list_remove(&p->child);
	return process_put(p);
}

bool process_orphan_some(struct process *p, unsigned n, struct list *freed)
{
	while (!list_empty(&p->children) && n--) {
		struct process *c = LIST_OBJECT(p->children.next, struct process, child);

		if (disown(c))
			list_append(freed, &c->teardown);
	}
	return list_empty(&p->children);
}

int process_shortage(const struct process *p, int err)
{
	return err == -ENOMEM && p->as && aspace_at_limit(p->as) ? -EAGAIN : err;
}

/* --- made, published ----------------------------------------------------------- */

/* Its charge comes first: so there are fewer processes than numbers that pid_take() would give
 * out. */
static uint32_t next_pid(void)
{
	uint32_t pid;

	for (;;) {
		spin_lock(&process_lock);
		pid = pid_take();
		spin_unlock(&process_lock);
		if (pid)
			return pid;
		sched_point();
	}
}

struct process *process_new(const char *name, struct process *parent, int *err)
{
	struct process *p = kzalloc(sizeof(*p));

	*err = -ENOMEM;
	if (!p)
		return NULL;
	p->budget = budget_create(parent ? parent->budget : &budget_root, err);
	if (p->budget && !budget_charge(p->budget, PROCESS_FRAMES, 1)) {
		budget_put(p->budget);
		p->budget = NULL;
		*err = -EAGAIN;
	}
	if (!p->budget) {
		kfree(p);
		return NULL;
	}
	list_init(&p->threads);
	list_init(&p->children);
	p->refs = 1;
	p->parent = parent;
	p->rights = parent ? parent->spawn_rights : RIGHTS_ALL;
	p->pid = next_pid();
	snprintk(p->name, sizeof(p->name), "%s", name);
	return p;
}

int process_publish(struct process *p, struct thread *first)
{
	int err;

	spin_lock(&process_lock);
	err = thread_publish(first);
	if (!err) {
		pid_publish(p);
		list_add(&processes, &p->all);
	}
	if (!err && p->parent) {
		list_add(&p->parent->children, &p->child);
		p->refs++;
	}
	spin_unlock(&process_lock);
	return err;
}

/* --- ending -------------------------------------------------------------------- */

static void __attribute__((noreturn)) init_ended(uint32_t status)
{
	printk("init ended with status %x: nothing is left to run\n", status);
	machine_exit(EXIT_FAIL);
}

void process_ended(struct process *p)
{
	if (p->pid == INIT_PID) {	/* its last thread left, and nobody called exit() */
		spin_unlock(&process_lock);
		init_ended(p->exit_status);
	}
	p->dying = true;
	p->dead = true;
	if (p->waiter)
		sched_unblock(p->waiter);
}

/* The next few threads of @p that have not been told. False when all have been. process_lock
 * held. */
static bool tell_some(struct process *p)
{
	for (unsigned n = 0; n < TELL_AT_ONCE; n++) {
		struct thread *t = LIST_OBJECT(p->threads.next, struct thread, sibling);

		if (t->told)
			return false;
		t->told = true;
		list_remove(&t->sibling);
		list_append(&p->threads, &t->sibling);
		sched_renew_priority(t);
		if (t->state != THREAD_DEAD)
			sched_interrupt(t);
	}
	return true;
}

/* Get the threads of @p, the current process, on their way out. Points in between: they may be
 * thousands. */
static void tell_threads(struct process *p)
{
	bool more;

	do {
		spin_lock(&process_lock);
		more = tell_some(p);
		spin_unlock(&process_lock);
		sched_point();
	} while (more);
}

void process_exit_current(uint32_t status)
{
	struct process *p = current_thread()->process;
	bool first;

	if (p->pid == INIT_PID)
		init_ended(status);
	spin_lock(&process_lock);
	first = !p->dying;
	p->dying = true;
	if (first)
		p->exit_status = status;
	spin_unlock(&process_lock);
	if (first)
		tell_threads(p);
	thread_exit_current();
}

void process_kill_current(uint32_t vector, const char *why, ...)
{
	struct thread *t = current_thread();
	va_list ap;
	struct format reason = { why, &ap };

	va_start(ap, why);
	printk_windows("kill: process %u (%s), thread %u: %pV\n", t->process->pid,
		       t->process->name, t->tid, &reason);
	va_end(ap);
	process_exit_current(WAIT_KILLED | vector);
}

/* --- asking after children ------------------------------------------------------ */

/* Who asks first has the claim, and a reference. */
int64_t process_wait(uint32_t pid)
{
	struct thread *t = current_thread();
	struct process *p;
	int64_t status = -EINTR;	/* it stays the caller's child */
	bool last;

	spin_lock(&process_lock);
	p = find_child(pid, t->process);
	if (!p || p->waiter) {
		spin_unlock(&process_lock);
		return -ECHILD;
	}
	p->waiter = t;
	p->refs++;
	while (!p->dead && !thread_must_leave(t)) {
		spin_unlock(&process_lock);
		sched_wait(THREAD_BLOCKED, 0);
		spin_lock(&process_lock);
	}
	p->waiter = NULL;
	if (p->dead) {
		status = p->exit_status;
		disown(p);
	}
	last = process_put(p);
	spin_unlock(&process_lock);
	if (last)
		process_free(p);
	reap_some();
	return status;
}

struct process *process_next(struct process *p)
{
	struct list *next = p ? p->all.next : processes.next;

	return next == &processes ? NULL : LIST_OBJECT(next, struct process, all);
}

const char *process_check_table(void)
{
	uint32_t listed = 0;

	LIST_EACH(at, &processes) {
		const struct process *p = LIST_OBJECT(at, struct process, all);

		if (at->next->before != at || at->before->next != at)
			return "the links of the list of processes do not match";
		if (pid_find(p->pid) != p)
			return "a process is not found by its pid";
		listed++;
	}
	return pid_check() == listed ? NULL : "the list of processes and the chains by pid differ";
}
