/* SPDX-License-Identifier: MIT */
/* spawn.c - a process with a program of the boot archive in it, made complete and then
 * published. */
#include "arch/x86_64/x86.h"
#include "kernel/abi.h"
#include "kernel/console/printk.h"
#include "kernel/lib/probe.h"
#include "kernel/lib/string.h"
#include "kernel/load/elf.h"
#include "kernel/object/process.h"
#include "kernel/object/process_internal.h"
#include "kernel/sched/sched.h"
#include "mm/aspace.h"
#include "mm/pagetable.h"

#define FILES_AT_ONCE 16		/* that are looked at without a point */

struct archive boot_archive;

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
	size_t len, at = 0;
	int err;

	do {
		image = archive_find_some(&boot_archive, name, &len, &at, FILES_AT_ONCE);
		if (sched_point())
			return -EINTR;
	} while (!image && at);
	if (!image)
		return -ENOENT;
	err = elf_load(as, image, len, rip, &why);
	if (err == -ENOEXEC)
		printk_windows("spawn: %s is not loadable: %s\n", name, why);
	if (err)
		return err;
	return aspace_add_region(as, USER_STACK_TOP - USER_STACK_SIZE, USER_STACK_SIZE,
				 PTE_W | PTE_NX);
}

/* Space, program, first thread with its argument: all that can fail. */
static int equip(struct process *p, const struct beginning *b, struct thread **first)
{
	uint64_t rip, at;
	int err;

	p->as = aspace_create(p->budget, b->design);
	if (!p->as)
		return -ENOMEM;
	p->as->pid = p->pid;
	if (sched_point())
		return -EINTR;
	err = load_program(p->as, p->name, &rip);
	if (err)
		return err;
	at = push_argument(p->as, b->arg, b->arg_len);
	if (!at)
		return -ENOMEM;
	if (sched_point())
		return -EINTR;
	return thread_prepare(p, rip, at, at, b->arg_len, first);
}

void process_discard(struct process *p, struct thread *first)
{
	irq_window();		/* what failed may have been the last of many steps */
	if (first)
		thread_discard(first);
	thread_units_return(p);
	if (p->as)
		aspace_destroy(p->as, sched_point);
	process_free(p);
}

int64_t process_spawn(const struct beginning *b, struct process *parent)
{
	struct process *p;
	struct thread *first = NULL;
	uint32_t pid;
	int err;

	if (b->arg_len > ARG_MAX)
		return -EINVAL;
	p = process_new(b->name, parent, &err);
	if (!p)
		return err;
	pid = p->pid;		/* once it is published it may end, be asked after, and be gone */
	err = equip(p, b, &first);
	if (!err) {
		PROBE(new_root, p->as);
		err = process_publish(p, first);
	}
	if (err) {
		err = process_shortage(p, err);
		process_discard(p, first);
		return err;
	}
	sched_make_ready(first);
	return pid;
}
