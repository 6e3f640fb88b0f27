/* SPDX-License-Identifier: MIT */
/* test_invariants_memory.c - of regions, page tables, CPUs and pools, each made wrong once, and
 * found. */
#include "arch/x86_64/cpu.h"
#include "entry/design.h"
#include "entry/trampoline.h"
#include "kernel/object/process_internal.h"
#include "mm/frames.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "mm/stacks.h"
#include "mm/tlb.h"
#include "tests/kernel/plant.h"
#include "tests/kernel/stage.h"

#define ONE_ENTRY (1ul << 52)		/* in an entry's count of the table below it */

static struct stage stage;

static uint64_t *leaf(uint64_t root, uint64_t va)
{
	unsigned level;

	return pt_lookup(root, va, &level);
}

/* The entry of the root at @root for @va. */
static uint64_t *top(uint64_t root, uint64_t va)
{
	return (uint64_t *)phys_to_virt(root) + pt_index(va, 4);
}

KTEST(wrong_regions_are_found)
{
	struct aspace *as;
	struct region *r, *low;

	stage_set(&stage);
	as = stage.child->as;
	r = as->regions;		/* the tree's top has both subtrees */
	low = r->left;
	PLANT(as->lock.taken, 1, "space's lock is taken");
	PLANT(r->height, (uint8_t)(r->height + 1), "has a wrong height");
	PLANT(r->gap, r->gap + 1, "wrong notes");
	PLANT(r->first, r->start, "wrong notes");
	PLANT(r->last, r->end, "wrong notes");
	PLANT(r->left, NULL, "leans at");
	low->last += 2 * STAGE_REGION;
	PLANT(low->end, low->last, "regions overlap");
	low->last -= 2 * STAGE_REGION;
	PLANT(r->end, r->start, "a region goes from");
	PLANT(r->start, r->start + 1, "a region goes from");
	PLANT(r->flags, PTE_W, "is W and X");
	PLANT(r->flags, PTE_NX | PTE_U, "has odd rights");
	PLANT(r->busy, true, "and serves faults");
	PLANT(as->own_free, 1, "lies where nothing is");
	PLANT(as->region_pages.before, &as->region_pages, "frames of regions do not match");
	PLANT(as->region_count, 4, "counts 4 regions, and has 5");
	PLANT(as->recent, stage.parent->as->regions, "the region that served last is gone");
	stage_clear(&stage);
}

KTEST(wrong_pages_of_a_program_are_found)
{
	struct aspace *as;
	uint64_t *page, *next, *k, *stranger;

	stage_set(&stage);
	as = stage.child->as;
	page = leaf(as->tlb.root, STAGE_AT);
	next = leaf(as->tlb.root, STAGE_AT + PAGE_SIZE);
	stranger = leaf(stage.parent->as->tlb.root, STAGE_AT);
	k = top(as->tlb.root, STAGE_AT);
	PLANT(*page, *page & ~PTE_W, "other rights than its region");
	PLANT(*page, *page | PTE_G, "is Global");
	PLANT(*page, *next, "is free or serves twice");
	PLANT(*page, *stranger, "is free or serves twice");
	PLANT(*page, as->tlb.root | (*page & ~PTE_ADDR), "is free or serves twice");
	PLANT(*page, 0, "are counted");
	PLANT(page[STAGE_REGION / PAGE_SIZE], *page, "in no region");
	PLANT(*k, *k + ONE_ENTRY, "are counted");
	PLANT(as->frames, as->frames + 1, "its space counts");
	PLANT(as->charged, as->charged - 1, "frames, and");
	stage_clear(&stage);
}

/* The program's half of the pair, on two tables; on one the other page of the pair is empty. */
KTEST(wrong_slots_of_a_pair_are_found)
{
	for (EACH_DESIGN(d)) {
		uint64_t root, user, *k;

		stage_set_by(&stage, d);
		root = stage.child->as->tlb.root, user = root + PAGE_SIZE;
		k = top(root, STAGE_AT);
		if (d->split) {
			PLANT(*k, *k & ~PTE_NX, "can be executed on the kernel's table");
			PLANT(*top(user, STAGE_AT), 0, "of its two roots differs");
			PLANT(*top(user, STAGE_AT), *k, "of its two roots differs");
			PLANT(*top(user, USER_MAP_BASE << 10), *k, "in its user root alone");
		} else {
			PLANT(*k, *k | PTE_NX, "cannot be executed on the one table");
		}
		if (!d->split && entry_mixed()) {
			PLANT(*top(user, STAGE_AT), *k, "the half that its design does not use");
			PLANT(*top(user, KERNEL_IMAGE_BASE), *top(root, KERNEL_IMAGE_BASE),
			      "the half that its design does not use");
			PLANT(*top(user, USER_MIN), PAGE_SIZE,
			      "the half that its design does not use");
		}
		stage_clear(&stage);
	}
}

KTEST(wrong_tables_of_the_kernel_half_are_found)
{
	struct aspace *as;
	uint64_t *stack, *k, boot = kspace_boot_root();

	stage_set(&stage);
	as = stage.child->as;
	stack = leaf(boot, stage.other->kstack_top - PAGE_SIZE - 8);	/* nothing lies there */
	k = top(as->tlb.root, HEAP_AREA_BASE);
	PLANT(*stack, *stack | PTE_U, "open to programs");
	PLANT(*stack, *stack & ~PTE_NX, "is W and X");
	PLANT(*stack, *leaf(boot, stage.thread[0]->kstack_top - 8), "is free or serves twice");
	PLANT(*stack, 0, "a stack's slot has frames and is bare");
	PLANT(*k, 0, "is not the boot root's");
	PLANT(*top(boot, HEAP_AREA_BASE), *top(boot, HEAP_AREA_BASE) + ONE_ENTRY, "are counted");
	stage_clear(&stage);
}

/* In the template @t of @d, what @other's shows. */
static void plant_in_template(uint64_t t, const struct entry_design *d,
			      const struct entry_design *other, bool *failed)
{
	uint64_t boot = kspace_boot_root(), text = (uint64_t)other->text_start;
	uint64_t idt = cea_idt(other->number);
	uint64_t stack = cea_page(0, other->entry_stack ? other->entry_stack : CEA_PRIVATE_PAGE);

	PLANT(*leaf(t, (uint64_t)d->text_start), *leaf(boot, text), "shows another page");
	pt_map(t, text, *leaf(boot, text) & PTE_ADDR, PTE_G, NULL);
	KCHECK(plant_found("which is not for it"));
	pt_unmap(t, text, NULL);
	pt_map(t, idt, *leaf(boot, idt) & PTE_ADDR, PTE_G | PTE_NX, NULL);
	KCHECK(plant_found("which is not for it"));
	pt_unmap(t, idt, NULL);
	pt_map(t, stack, *leaf(boot, stack) & PTE_ADDR, PTE_W | PTE_NX, NULL);
	KCHECK(plant_found("which is not for it"));
	pt_unmap(t, stack, NULL);
	if (other->split) {
		uint64_t *theirs = top(kspace_template(other), CPU_ENTRY_AREA_BASE);

		PLANT(*top(t, CPU_ENTRY_AREA_BASE), *theirs,	/* whichever is looked at first */
		      other->number < d->number ? "serves twice" : "which is not for it");
	}
}

KTEST(wrong_templates_are_found)
{
	uint64_t boot = kspace_boot_root();

	for (EACH_DESIGN(d)) {
		uint64_t t = kspace_template(d), *door, *image;

		if (!t)
			continue;
		stage_set_by(&stage, d);
		door = leaf(t, cea_page(0, CEA_DOOR_PAGE));
		image = top(stage.child->as->tlb.root + PAGE_SIZE, KERNEL_IMAGE_BASE);
		PLANT(*image, *top(boot, KERNEL_IMAGE_BASE), "is not all's");
		PLANT(*image, 0, "is not all's");
		PLANT(*top(t, KERNEL_IMAGE_BASE), 0, "are counted");
		PLANT(*top(t, KERNEL_IMAGE_BASE), *top(boot, KERNEL_IMAGE_BASE),
		      "is free or serves twice");
		PLANT(*top(t, DIRECT_MAP_BASE), *top(boot, DIRECT_MAP_BASE),
		      "is free or serves twice");
		PLANT(*top(t, STAGE_AT), *top(boot, DIRECT_MAP_BASE), "a program's");
		PLANT(*door, *door ^ PAGE_SIZE, "shows another page");
		PLANT(*door, *door & ~PTE_NX, "shows another page");
		PLANT(*door, *door ^ PTE_G, "shows another page");
		PLANT(*door, 0, "are counted");
		if (stage_neighbour(d))
			plant_in_template(t, d, stage_neighbour(d), failed);
		stage_clear(&stage);
	}
}

KTEST(wrong_trampolines_are_found)
{
	struct trampoline *more = entry_mixed() ? trampoline_alloc(1) : NULL, *own;

	if (more) {
		KCHECK(plant_found("trampolines are handed out"));
		trampoline_free(more);
	}
	for (EACH_DESIGN(d)) {
		stage_set_by(&stage, d);
		own = (struct trampoline *)trampoline_of(stage.other);
		if (own) {
			uint64_t *page = leaf(stage.child->as->tlb.root + PAGE_SIZE, own->top - 8);

			PLANT(own->pa, own->pa + PAGE_SIZE, "has no trampoline where it lands");
			PLANT(own->top, own->top + PAGE_SIZE, "frame is not where it lands");
			PLANT(*page, *page | PTE_G, "shows another page");
		}
		stage_clear(&stage);
	}
}

KTEST(wrong_tables_of_a_cpu_are_found)
{
	struct percpu *pc = this_cpu()->percpu;
	struct aspace *as;

	stage_set(&stage);
	as = stage.child->as;
	PLANT(as->tlb.cpus, 1, "it knows of 0x1");
	PLANT(pc->kernel_cr3, as->tlb.root, "the next flip in loads another table");
	PLANT(pc->user_cr3, as->tlb.root, "the next flip out loads another table");
	PLANT(pc->kstack_top, pc->kstack_top - 8, "kernel stack is not its thread's");
	tlb_load(&as->tlb);
	KCHECK(plant_found("another table loaded than its thread's"));
	tlb_load(NULL);
	stage_clear(&stage);
}

/* Take the frame @pa, which is free, and no other. */
static void take_again(uint64_t pa)
{
	uint64_t others = 0, next;

	while ((next = frame_alloc()) != pa) {
		*(uint64_t *)phys_to_virt(next) = others;
		others = next;
	}
	for (; others; others = next) {
		next = *(uint64_t *)phys_to_virt(others);
		frame_free(others);
	}
}

/* What is taken and belongs to nobody, and what is given back and is still somebody's. */
KTEST(wrong_balances_of_pools_are_found)
{
	uint64_t pa = frame_alloc(), stack[2] = { kstack_alloc(), kstack_alloc() };

	KCHECK(plant_found("kernel stacks are handed out"));
	kstack_free(stack[0]);
	kstack_free(stack[1]);
	KCHECK(plant_found("frames are handed out"));
	frame_free(pa);
	stage_set(&stage);
	pa = *leaf(stage.child->as->tlb.root, STAGE_AT) & PTE_ADDR;
	frame_free(pa);
	KCHECK(plant_found("is free or serves twice"));
	take_again(pa);
	KCHECK(frame_mark(pa, true) && plant_found("maps of frames") && frame_mark(pa, false));
	KCHECK(!invariants_check());
	stage_clear(&stage);
}
