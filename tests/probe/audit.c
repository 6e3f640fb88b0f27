/* SPDX-License-Identifier: MIT */
/*
 * audit.c - a user root seen from outside.
 *
 * A walk in software, so it sees what the page tables say and not what the code
 * that built them meant.  Contents are read through the direct map; frames that
 * are not RAM (device registers) are never read.
 */
#include "tests/probe/audit.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/descriptors.h"
#include "entry/design.h"
#include "entry/trampoline.h"
#include "kernel/abi.h"
#include "kernel/console/printk.h"
#include "kernel/object/object.h"
#include "mm/aspace.h"
#include "mm/cpuarea.h"
#include "mm/frames.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "tests/probe/abi.h"

#define KERNEL_HALF	DIRECT_MAP_BASE
#define EVERYTHING	~0ul

static uint64_t level_pages(unsigned level)
{
	return 1ul << 9 * (level - 1);
}

static uint64_t leaf_frame(uint64_t e, unsigned level)
{
	return e & PTE_ADDR & -(level_pages(level) * PAGE_SIZE);
}

/* --- the list of pages ------------------------------------------------------ */

/* Neighbouring pages of equal rights on neighbouring frames. */
struct run {
	uint64_t va, pa, pages, rights;	/* pages 0: none yet */
	uint32_t pid;
};

static void print_run(const struct run *r)
{
	if (r->pages)
		printk("AUDIT %u 0x%lx 0x%lx %lu %c%c%c%c\n", r->pid, r->va, r->pa, r->pages,
		       r->rights & PTE_W ? 'W' : '-', r->rights & PTE_NX ? '-' : 'X',
		       r->rights & PTE_G ? 'G' : '-', r->rights & PTE_U ? 'U' : '-');
}

static bool dump_leaf(void *ctx, uint64_t va, uint64_t e, uint64_t access, unsigned level)
{
	struct run *r = ctx;
	uint64_t rights = access | (e & PTE_G), pa = leaf_frame(e, level);

	if (va >= KERNEL_HALF)
		rights |= e & PTE_U;	/* wrong even where a table above closes the page */
	if (va < KERNEL_HALF && (access & PTE_U) && !(e & PTE_G))
		return true;		/* a program's page, as it should be */
	if (r->pages && va == r->va + r->pages * PAGE_SIZE && pa == r->pa + r->pages * PAGE_SIZE &&
	    rights == r->rights) {
		r->pages += level_pages(level);
		return true;
	}
	print_run(r);
	*r = (struct run){ va, pa, level_pages(level), rights, r->pid };
	return true;
}

void audit_dump(struct process *p)
{
	struct run r = { .pid = p->pid };

	printk("AUDIT-FACT process %u %s\n", p->pid, p->as->design->name);
	LIST_EACH(at, &p->threads) {
		const struct thread *t = LIST_OBJECT(at, struct thread, sibling);
		const struct trampoline *own = trampoline_of(t);

		printk("AUDIT-FACT thread %u %u 0x%lx 0x%lx 0x%lx\n", p->pid, t->tid,
		       own ? own->top - PAGE_SIZE : 0, own ? own->pa : 0, t->kstack_top);
	}
	pt_walk(aspace_user_cr3(p->as), 0, EVERYTHING, dump_leaf, &r);
	print_run(&r);
	printk("AUDIT-END %u\n", p->pid);
}

static uint64_t direct_map_pa(const void *p)
{
	return (uint64_t)p - DIRECT_MAP_BASE;
}

static void print_cpu_facts(const struct cpu *c)
{
	printk("AUDIT-FACT cpu %u %u 0x%lx\n", c->index, CEA_GDT_PAGE, direct_map_pa(c->gdt));
	printk("AUDIT-FACT cpu %u %u 0x%lx\n", c->index, CEA_TSS_PAGE, direct_map_pa(c->tss));
	printk("AUDIT-FACT cpu %u %u 0x%lx\n", c->index, CEA_DOOR_PAGE, direct_map_pa(c->door));
	for (unsigned page = CEA_TSS_PAGE + 1; page < CEA_BLOCK_PAGES; page++)
		if (page != CEA_DOOR_PAGE && c->block_pa[page])
			printk("AUDIT-FACT cpu %u %u 0x%lx\n", c->index, page, c->block_pa[page]);
	for (unsigned i = 0; i <= IST_COUNT; i++)
		printk("AUDIT-FACT body-stack %u 0x%lx\n", c->index, c->percpu->ist_body_top[i]);
	printk("AUDIT-FACT body-stack %u 0x%lx\n", c->index, c->idle->kstack_top);
}

void audit_facts(void)
{
	printk("AUDIT-FACT start %s %s\n", boot_design->name,
	       cpu_features & CPU_PGE ? "global" : "no-global");
	printk("AUDIT-FACT ram-end 0x%lx\n", frames_ram_end());
	for (unsigned n = 0; n < entry_design_count(); n++)
		printk("AUDIT-FACT idt %s 0x%lx\n", entry_design_at(n)->name, idt_pa[n]);
	for (uint32_t i = 0; i < cpu_count; i++)
		print_cpu_facts(&cpus[i]);
}

/* --- exposure ---------------------------------------------------------------- */

static bool in_area(uint64_t va, uint64_t base, uint64_t next_area)
{
	return va >= base && va < next_area;
}

/* Is @va on a stack that threads other than the current one use? A CPU's entry and IST stacks serve
 * every thread that runs there. */
static bool others_stack(uint64_t va)
{
	const struct thread *me = current_thread();
	uint64_t page = (va - CEA_FIRST_BLOCK) / PAGE_SIZE % CEA_BLOCK_PAGES;

	if (in_area(va, KSTACK_AREA_BASE, HEAP_AREA_BASE))
		return va >= me->kstack_top || va < me->kstack_top - KSTACK_PAGES * PAGE_SIZE;
	if (in_area(va, TRAMPOLINE_AREA_BASE, KERNEL_IMAGE_BASE))
		return !trampoline_of(me) || va != trampoline_of(me)->top - PAGE_SIZE;
	return in_area(va, CEA_FIRST_BLOCK, TRAMPOLINE_AREA_BASE) &&
	       (page >= CEA_ENTRY_STACKS_PAGE ||
		(page >= CEA_NMI_STACK_PAGE && page <= CEA_MC_STACK_PAGE));
}

/* Anything in the frame at @pa but zeroes? What an IST stack keeps above it is no data. */
static bool holds_data(uint64_t pa)
{
	const uint64_t *p = phys_to_virt(pa), *end = p + (PAGE_SIZE - IST_STACK_HEADROOM) / 8;

	while (p < end && !*p)
		p++;
	return p < end;
}

static bool count_leaf(void *ctx, uint64_t va, uint64_t e, uint64_t access, unsigned level)
{
	struct exposure *x = ctx;

	/* Device registers are no memory, and which are mapped depends on the loader (a text screen
	 * or none). */
	if ((access & PTE_U) || in_area(va, MMIO_AREA_BASE, CPU_ENTRY_AREA_BASE))
		return true;
	if (!(access & PTE_NX))
		x->text_pages += level_pages(level);
	else if (!(access & PTE_W))
		x->rodata_pages += level_pages(level);
	else
		x->data_pages += level_pages(level);
	if (others_stack(va) && holds_data(leaf_frame(e, level)))	/* stacks are RAM */
		x->other_thread_pages++;
	return true;
}

void audit_exposure(struct aspace *as, struct exposure *x)
{
	*x = (struct exposure){ 0 };
	pt_walk(aspace_user_cr3(as), 0, EVERYTHING, count_leaf, x);
}

/* --- Meltdown's view --------------------------------------------------------- */

struct search {
	uint64_t key, found;
};

static bool search_leaf(void *ctx, uint64_t va, uint64_t e, uint64_t access, unsigned level)
{
	struct search *s = ctx;
	uint64_t pa = leaf_frame(e, level), end = pa + level_pages(level) * PAGE_SIZE;
	const uint64_t *p = phys_to_virt(pa);

	(void)access;		/* that is the point */
	for (uint64_t at = pa; at < end; at += 8, p++) {
		if (at % PAGE_SIZE == 0 &&
		    !(frames_is_ram(at) && kspace_in_direct_map(at, PAGE_SIZE))) {
			at += PAGE_SIZE - 8;
			p += PAGE_SIZE / 8 - 1;
		} else if (*p * SECRET_INVERSE == s->key) {
			s->found = va + (at - pa);
			return false;
		}
	}
	return true;
}

static bool search_global_leaf(void *ctx, uint64_t va, uint64_t e, uint64_t access, unsigned level)
{
	return !(e & PTE_G) || search_leaf(ctx, va, e, access, level);
}

/* What the TLB keeps of a root that was loaded before. The program's half is never Global. */
static void search_global(uint64_t root, struct search *s)
{
	if (root && !s->found)
		pt_walk(root, KERNEL_HALF, EVERYTHING, search_global_leaf, s);
}

uint64_t audit_find_secret(struct aspace *as, uint64_t key)
{
	struct search s = { .key = key };

	pt_walk(aspace_user_cr3(as), 0, EVERYTHING, search_leaf, &s);
	search_global(kspace_boot_root(), &s);
	for (unsigned n = 0; n < entry_design_count(); n++)
		search_global(kspace_template(entry_design_at(n)), &s);
	return s.found;
}
