/* SPDX-License-Identifier: MIT */
/* spoil.c - a user root made wrong in one place; inject= says in which way. */
#include "tests/probe/spoil.h"
#include "arch/x86_64/cpu.h"
#include "entry/design.h"
#include "kernel/console/panic.h"
#include "kernel/lib/string.h"
#include "mm/aspace.h"
#include "mm/cpuarea.h"
#include "mm/frames.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"

static uint64_t kernel_data = 1;	/* not 0: .data, not .bss */

static uint64_t *leaf_of(const struct aspace *as, uint64_t va)
{
	unsigned level;

	return pt_lookup(aspace_user_cr3(as), va, &level);
}

static bool set(const struct aspace *as, uint64_t va, uint64_t bit)
{
	uint64_t *e = leaf_of(as, va);

	if (e)
		*e |= bit;
	return e;
}

static bool add(const struct aspace *as, uint64_t va, uint64_t pa, uint64_t flags)
{
	if (pt_map(aspace_user_cr3(as), va, pa, flags, NULL))
		panic("inject: 0x%lx cannot be mapped in the user root", va);
	return true;
}

/* --- one page, its rights, its frame --------------------------------------------- */

/* A page of kernel data where no page belongs. */
bool spoil_extra(struct aspace *as)
{
	uint64_t va = TRAMPOLINE_AREA_BASE + 0x40000000ul;
	uint64_t pa = ((uint64_t)&kernel_data - KERNEL_IMAGE_BASE) & PTE_ADDR;

	if (aspace_map_private(as, va, pa, PTE_NX))
		panic("inject: no memory for the extra page");
	return true;
}

/* The same bytes in another frame: everything works, and the page is wrong all the same. */
bool spoil_frame(struct aspace *as)
{
	uint64_t *e = leaf_of(as, (uint64_t)as->design->text_start), copy = frame_alloc();

	if (!copy)
		panic("inject: no memory for the wrong frame");
	memcpy(phys_to_virt(copy), phys_to_virt(*e & PTE_ADDR), PAGE_SIZE);
	*e = (*e & ~PTE_ADDR) | copy;
	return true;
}

bool spoil_writable(struct aspace *as)
{
	return set(as, (uint64_t)as->design->text_start, PTE_W);
}

bool spoil_missing(struct aspace *as)
{
	return pt_unmap(aspace_user_cr3(as), cea_page(0, CEA_MC_STACK_PAGE), NULL);
}

/* --- Global ---------------------------------------------------------------------- */

static bool first_not_global(void *ctx, uint64_t va, uint64_t e, uint64_t access, unsigned level)
{
	(void)access, (void)level;
	if (e & PTE_G)
		return true;
	*(uint64_t *)ctx = va;
	return false;
}

/* The first page that must not be Global: one of the kernel half, or where there is none, one of
 * the program's. */
bool spoil_global(struct aspace *as)
{
	uint64_t va = 0, root = aspace_user_cr3(as);

	pt_walk(root, DIRECT_MAP_BASE, ~0ul, first_not_global, &va);
	if (!va)
		pt_walk(root, 0, USER_END, first_not_global, &va);
	return set(as, va, PTE_G);
}

/* Whosever it is: one root for user and kernel shows those of all designs. */
bool spoil_global_entry_stack(struct aspace *as)
{
	for (unsigned n = 0; n < entry_design_count(); n++)
		if (entry_design_at(n)->entry_stack &&
		    set(as, cea_page(0, entry_design_at(n)->entry_stack), PTE_G))
			return true;
	return false;
}

bool spoil_global_trampoline(struct aspace *as)
{
	uint64_t va = 0;

	pt_walk(aspace_user_cr3(as), TRAMPOLINE_AREA_BASE, KERNEL_IMAGE_BASE, first_not_global,
		&va);
	return va && set(as, va, PTE_G);
}

/* --- what is another design's ------------------------------------------------------ */

/* The next design after @d, @n from 1 to the number of the others. */
static const struct entry_design *after(const struct entry_design *d, unsigned n)
{
	return entry_design_at((d->number + n) % entry_design_count());
}

bool spoil_other_text(struct aspace *as)
{
	const struct entry_design *other = after(as->design, 1);
	uint64_t va = (uint64_t)other->text_start;

	return as->design->split && add(as, va, va - KERNEL_IMAGE_BASE, PTE_G);
}

bool spoil_other_idt(struct aspace *as)
{
	uint32_t other = after(as->design, 1)->number;

	return as->design->split && add(as, cea_idt(other), idt_pa[other], PTE_NX | PTE_G);
}

bool spoil_other_entry_stack(struct aspace *as)
{
	for (unsigned n = 1; as->design->split && n < entry_design_count(); n++) {
		uint32_t page = after(as->design, n)->entry_stack;

		if (page)
			return add(as, cea_page(0, page), cpus[0].block_pa[page], PTE_W | PTE_NX);
	}
	return false;
}
