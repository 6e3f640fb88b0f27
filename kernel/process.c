/* SPDX-License-Identifier: MIT */
/* process.c - processes: spawned from the boot archive, ended, waited for. */
#include "kernel/process.h"
#include "arch/x86_64/percpu.h"
#include "kernel/abi.h"
#include "kernel/elf.h"
#include "kernel/inject.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/process_internal.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "mm/heap.h"
#include "mm/pagetable.h"

#define ARG_MAX 1024

struct spinlock process_lock;
struct archive boot_archive;

static struct process *processes;
static uint32_t last_pid;

/* Put @arg at the top of a fresh stack. Returns its user address, 16-byte aligned, or 0. */
static uint64_t push_argument(struct aspace *as, const char *arg, size_t len)
{
	uint64_t at = (USER_STACK_TOP - len - 1) & ~15ul;
	char *page = aspace_populate(as, at);

	if (!page)
		return 0;
	memcpy(page + (at & (PAGE_SIZE - 1)), arg, len);
	return at;
}

static int load_program(struct aspace *as, const char *name, uint64_t *rip)
{
	const char *why = NULL;
	const void *image;
	size_t len;
	int err;

	image = archive_find(&boot_archive, name, &len);
	if (!image)
		return -ENOENT;
	err = elf_load(as, image, len, rip, &why);
	if (err == -ENOEXEC)
		printk("spawn: %s is not loadable: %s\n", name, why);
	if (err)
		return err;
	return aspace_add_region(as, USER_STACK_TOP - USER_STACK_SIZE, USER_STACK_SIZE, PTE_W | PTE_NX);
}

static void link_process(struct process *p)
{
	spin_lock(&process_lock);
	p->pid = ++last_pid;
	p->as->pid = p->pid;
	p->next = processes;
	processes = p;
	spin_unlock(&process_lock);
}

/* process_lock held. */
static void unlink_process(struct process *p)
{
	struct process **at = &processes;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

/* The first thread, stack and argument of @p, whose program is loaded. */
static int start_process(struct process *p, uint64_t rip, const char *arg, size_t arg_len)
{
	uint64_t at = push_argument(p->as, arg, arg_len);
	struct thread *t;
	int err;

	if (!at)
		return -ENOMEM;
	link_process(p);
	err = thread_create_user(p, rip, at, at, arg_len, &t);
	if (err) {
		spin_lock(&process_lock);
		unlink_process(p);
		spin_unlock(&process_lock);
		return err;
	}
	inject_user_root(p->as);
	sched_make_ready(t);
	return 0;
}

int process_spawn(const char *name, const char *arg, size_t arg_len, struct process *parent, struct process **out)
{
	struct process *p;
	uint64_t rip;
	int err;

	if (arg_len > ARG_MAX)
		return -EINVAL;
	reap();
	p = kzalloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->as = aspace_create();
	if (!p->as) {
		kfree(p);
		return -ENOMEM;
	}
	p->parent = parent;
	snprintk(p->name, sizeof(p->name), "%s", name);
	err = load_program(p->as, name, &rip);
	if (!err)
		err = start_process(p, rip, arg, arg_len);
	if (err) {
		aspace_destroy(p->as);
		kfree(p);
		return err;
	}
	*out = p;
	return 0;
}

void process_ended(struct process *p)
{
	p->dying = true;
	p->dead = true;
	thread_slots_release(p);
	/* Nobody waits for the children of the dead. */
	for (struct process *c = processes; c; c = c->next)
		if (c->parent == p)
			c->parent = NULL;
	if (p->waiter)
		sched_unblock(p->waiter);
}

/* Free the struct once it is dead, its space gone and nobody can wait for it. process_lock held. */
static bool try_forget(struct process *p)
{
	if (!p->dead || p->as || p->parent)
		return false;
	unlink_process(p);
	return true;
}

static void unlink_thread(struct process *p, struct thread *t)
{
	struct thread **at = &p->threads;

	while (*at != t)
		at = &(*at)->sibling;
	*at = t->sibling;
}

/* In one step: whoever forgets the last thread may free @p, and then nobody else may look at it. */
void process_forget_thread(struct process *p, struct thread *t)
{
	struct aspace *as = NULL;
	bool forget;

	spin_lock(&process_lock);
	unlink_thread(p, t);
	if (!--p->unreaped_threads && p->dead) {
		as = p->as;
		p->as = NULL;
	}
	forget = try_forget(p);
	spin_unlock(&process_lock);
	if (as)
		aspace_destroy(as);
	if (forget)
		kfree(p);
}

void process_exit_current(uint32_t status)
{
	struct process *p = current_thread()->process;

	spin_lock(&process_lock);
	if (!p->dying) {
		p->dying = true;
		p->exit_status = status;
		for (struct thread *t = p->threads; t; t = t->sibling)
			if (t->state != THREAD_DEAD)
				sched_interrupt(t);
	}
	spin_unlock(&process_lock);
	if (p->pid == 1) {
		printk("init ended with status %x: nothing is left to run\n", status);
		machine_exit(EXIT_FAIL);
	}
	thread_exit_current();
}

void process_kill_current(uint32_t vector, const char *why, ...)
{
	struct thread *t = current_thread();
	char reason[160];
	va_list ap;

	va_start(ap, why);
	vsnprintk(reason, sizeof(reason), why, ap);
	va_end(ap);
	printk("kill: process %u (%s), thread %u: %s\n", t->process->pid, t->process->name, t->tid, reason);
	process_exit_current(WAIT_KILLED | vector);
}

static struct process *find_child(uint32_t pid, const struct process *parent)
{
	struct process *p = processes;

	while (p && (p->pid != pid || p->parent != parent))
		p = p->next;
	return p;
}

int64_t process_wait(uint32_t pid)
{
	struct thread *t = current_thread();
	struct process *p;
	int64_t status;
	bool forget;

	spin_lock(&process_lock);
	p = find_child(pid, t->process);
	if (!p || p->waiter) {
		spin_unlock(&process_lock);
		return -ECHILD;
	}
	while (!p->dead && !thread_must_leave(t)) {
		p->waiter = t;
		spin_unlock(&process_lock);
		sched_block();
		spin_lock(&process_lock);
	}
	p->waiter = NULL;
	if (!p->dead) {			/* it stays the caller's child */
		spin_unlock(&process_lock);
		return -EINTR;
	}
	status = p->exit_status;
	p->parent = NULL;
	forget = try_forget(p);
	spin_unlock(&process_lock);
	if (forget)
		kfree(p);
	reap();
	return status;
}

struct process *process_next(struct process *p)
{
	return p ? p->next : processes;
}
