/* SPDX-License-Identifier: MIT */
/* check_spaces.c - the tree of each space's regions, and which CPU has which space loaded. */
#include "arch/x86_64/cpu.h"
#include "entry/design.h"
#include "entry/trampoline.h"
#include "kernel/object/process.h"
#include "kernel/sched/sched.h"
#include "mm/pagetable.h"
#include "mm/region.h"
#include "tests/kernel/invariants.h"
#include "tests/kernel/world.h"

/* --- regions --------------------------------------------------------------------- */

struct walk {
	const struct aspace *as;
	uint64_t count, end;		/* of those that lie lower */
	bool recent;			/* as->recent is one of them */
};

static int height(const struct region *r)
{
	return r ? r->height : 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What @r must know of its subtrees, which are right. */
static const char *check_notes(const struct region *r, uint32_t pid)
{
	const struct region *left = r->left, *right = r->right;
	int lean = height(left) - height(right);
	uint64_t gap = left ? larger(left->gap, r->start - left->last) : 0;

	if (right)
		gap = larger(gap, larger(right->gap, right->first - r->end));
	MUST(lean >= -1 && lean <= 1, "process %u: the tree of regions leans at 0x%lx", pid,
	     r->start);
	MUST(r->height == 1 + (lean > 0 ? height(left) : height(right)),
	     "process %u: the region at 0x%lx has a wrong height", pid, r->start);
	MUST(r->first == (left ? left->first : r->start) &&
		     r->last == (right ? right->last : r->end) && r->gap == gap,
	     "process %u: the region at 0x%lx has wrong notes of those below it", pid, r->start);
	return NULL;
}

static const char *check_region(const struct aspace *as, const struct region *r)
{
	uint32_t pid = as->pid;

	MUST(r->start < r->end && r->start >= USER_MIN && r->end <= USER_END &&
		     !(r->start % PAGE_SIZE) && !(r->end % PAGE_SIZE),
	     "process %u: a region goes from 0x%lx to 0x%lx", pid, r->start, r->end);
	MUST((r->flags & (PTE_W | PTE_NX)) != PTE_W, "process %u: the region at 0x%lx is W and X",
	     pid, r->start);
	MUST(!(r->flags & ~(PTE_W | PTE_NX)), "process %u: the region at 0x%lx has odd rights", pid,
	     r->start);
	MUST(!r->busy || r->going,
	     "process %u: the region at 0x%lx is being unmapped, and serves faults", pid, r->start);
	MUST(regionpool_holds(as, r), "process %u: the region at 0x%lx lies where nothing is", pid,
	     r->start);
	return NULL;
}

/* As deep as the tree is high. */
static const char *check_tree(const struct region *r, struct walk *w)
{
	const char *wrong;

	if (!r)
		return NULL;
	if ((wrong = check_region(w->as, r)) || (wrong = check_tree(r->left, w)))
		return wrong;
	MUST(r->start >= w->end, "process %u: regions overlap at 0x%lx", w->as->pid, r->start);
	w->end = r->end;
	w->count++;
	w->recent |= r == w->as->recent && !r->going;
	wrong = check_tree(r->right, w);
	return wrong ? wrong : check_notes(r, w->as->pid);
}

const char *check_regions(void)
{
	for (struct process *p = process_next(NULL); p; p = process_next(p)) {
		struct walk w = { .as = p->as };
		const char *wrong;

		if (!p->as)
			continue;
		MUST(!p->as->lock.taken, "process %u: its space's lock is taken, and nobody runs",
		     p->pid);
		if (p->as->destroyed)
			continue;	/* the tree too is taken apart */
		wrong = check_tree(p->as->regions, &w);
		if (wrong)
			return wrong;
		MUST(w.count == p->as->region_count, "process %u counts %u regions, and has %lu",
		     p->pid, p->as->region_count, w.count);
		MUST(w.recent || !p->as->recent, "process %u: the region that served last is gone",
		     p->pid);
	}
	return NULL;
}

/* --- what CPUs have loaded ------------------------------------------------------------ */

static const struct tlb_space *space_of(const struct cpu *cpu)
{
	const struct process *p = cpu->percpu->current->process;

	return p ? &p->as->tlb : &tlb_boot_space;
}

/* By which design @cpu enters, wherever it stands: one that has no program is interrupted, too. */
static const char *check_ways_in(const struct cpu *cpu)
{
	MUST(world_lstar[cpu->index] == (uint64_t)cpu->design->syscall_entry,
	     "CPU %u: SYSCALL leads into another design", cpu->index);
	MUST(world_idt[cpu->index] == cea_idt(cpu->design->number),
	     "CPU %u: its IDT is another design's", cpu->index);
	return NULL;
}

/* Where @t, which @cpu runs, will land, by whatever way it comes. */
static const char *check_landing(const struct cpu *cpu, const struct thread *t)
{
	const struct entry_design *d = t->design;
	const struct trampoline *own = trampoline_of(t);
	uint64_t top = t->kstack_top;

	if (d->entry_stack)
		top = cea_page(cpu->index, d->entry_stack) + PAGE_SIZE;
	if (own)
		top = own->top;
	MUST(cpu->design == d && t->process->as->design == d,
	     "CPU %u: its design is not its thread's", cpu->index);
	MUST(cpu->tss->rsp[0] == top, "CPU %u: an interrupt lands elsewhere", cpu->index);
	MUST((!d->entry_stack && !own) || cpu->percpu->entry_top == top,
	     "CPU %u: a system call lands elsewhere", cpu->index);
	return NULL;
}

static const char *check_cpu(const struct cpu *cpu)
{
	const struct percpu *pc = cpu->percpu;
	const struct tlb_space *s = space_of(cpu);
	const char *wrong = check_ways_in(cpu);

	MUST((world_cr3[cpu->index] & PTE_ADDR) == s->root,
	     "CPU %u has another table loaded than its thread's", cpu->index);
	MUST((pc->kernel_cr3 & PTE_ADDR) == s->root, "CPU %u: the next flip in loads another table",
	     cpu->index);
	MUST((pc->user_cr3 & PTE_ADDR) == s->root + (s->split ? PAGE_SIZE : 0),
	     "CPU %u: the next flip out loads another table", cpu->index);
	MUST(pc->kstack_top == pc->current->kstack_top,
	     "CPU %u: its kernel stack is not its thread's", cpu->index);
	return wrong || !pc->current->process ? wrong : check_landing(cpu, pc->current);
}

static const char *check_set(const struct process *p)
{
	uint64_t loaded = 0;

	for (uint32_t i = 0; i < cpu_count; i++)
		if ((world_cr3[i] & PTE_ADDR) == p->as->tlb.root)
			loaded |= 1ul << i;
	MUST(loaded == p->as->tlb.cpus,
	     "process %u: CPUs 0x%lx have its space loaded, and it knows of 0x%lx", p->pid, loaded,
	     p->as->tlb.cpus);
	return NULL;
}

const char *check_cpus(void)
{
	const char *wrong = NULL;

	for (uint32_t i = 0; i < cpu_count && !wrong; i++)
		wrong = check_cpu(&cpus[i]);
	for (struct process *p = process_next(NULL); p && !wrong; p = process_next(p))
		wrong = p->as ? check_set(p) : NULL;
	return wrong;
}
