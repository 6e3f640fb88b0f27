/* SPDX-License-Identifier: MIT */
/* stacks.c - the pool of kernel stacks: handed round with their frames while memory suffices. */
#include "mm/stacks.h"
#include "entry/design.h"
#include "arch/x86_64/cpu.h"
#include "mm/slots.h"

static bool shrink(void);

static struct slot_pool kstacks = {
	.name = "kernel stack",
	.base = KSTACK_AREA_BASE,
	.slot_pages = KSTACK_SLOT_PAGES,
	.stack_pages = KSTACK_PAGES,
	.shrink = shrink,
};

/* Top of the first free stack; each keeps the next one's top in its highest word. */
static uint64_t free_kstacks;

uint64_t kstack_alloc(void)
{
	uint64_t top, pa;

	spin_lock_checked(&kstacks.lock);
	top = free_kstacks;
	if (top) {
		free_kstacks = ((uint64_t *)top)[-1];
	} else {
		top = slot_new(&kstacks, &pa);
		if (top)
			top += KSTACK_PAGES * PAGE_SIZE;
	}
	spin_unlock(&kstacks.lock);
	return top;
}

void kstack_free(uint64_t top)
{
	spin_lock_checked(&kstacks.lock);
	((uint64_t *)top)[-1] = free_kstacks;
	free_kstacks = top;
	spin_unlock(&kstacks.lock);
}

static bool shrink(void)
{
	uint64_t va[SLOTS_AT_ONCE];
	unsigned n;

	spin_lock_checked(&kstacks.lock);
	for (n = 0; free_kstacks && n < SLOTS_AT_ONCE; n++) {
		va[n] = free_kstacks - KSTACK_PAGES * PAGE_SIZE;
		free_kstacks = ((uint64_t *)free_kstacks)[-1];
	}
	spin_unlock(&kstacks.lock);
	if (n)
		slots_bare(&kstacks, va, n);
	return n;
}

/* --- guard pages ----------------------------------------------------------------- */

bool stack_guard_hit(uint64_t va, const char **what)
{
	/* By the guard page below it: stacks grow down into theirs. */
	static const char *const names[CEA_BLOCK_PAGES] = {
		[CEA_NMI_STACK_PAGE - 1] = "NMI stack",
		[CEA_DB_STACK_PAGE - 1] = "#DB stack",
		[CEA_DF_STACK_PAGE - 1] = "#DF stack",
		[CEA_MC_STACK_PAGE - 1] = "#MC stack",
	};
	uint64_t page = (va - CEA_FIRST_BLOCK) / PAGE_SIZE;

	*what = slots_guard_of(va);
	if (va < CEA_FIRST_BLOCK || page >= (uint64_t)MAX_CPUS * CEA_BLOCK_PAGES)
		return *what != NULL;
	*what = names[page % CEA_BLOCK_PAGES];
	for (unsigned n = 0; n < entry_design_count(); n++)
		if (entry_design_at(n)->entry_stack == page % CEA_BLOCK_PAGES + 1)
			*what = "entry stack";
	return *what != NULL;
}

/* --- for tests ------------------------------------------------------------------- */

const char *kstacks_check(uint64_t *in_use)
{
	uint64_t n = 0;

	for (uint64_t top = free_kstacks; top && n <= kstacks.slots; top = ((uint64_t *)top)[-1])
		n++;
	*in_use = slots_with_frames(&kstacks) - n;
	return slots_check(&kstacks);
}
