/* SPDX-License-Identifier: MIT */
/* check_tables.c - one tree of page tables: its frames, and what its entries count. */
#include "mm/frames.h"
#include "mm/physmap.h"
#include "tests/kernel/check_pages.h"

const char *mark_frame(struct tables *t, uint64_t pa, const char *what)
{
	if (t->unmarking) {
		MUST(t->unmark, "all marks are off");
		t->unmark--;
		frame_mark(pa, false);
		return NULL;
	}
	MUST(frame_mark(pa, true), "%s %u: frame 0x%lx, a %s, is free or serves twice", t->whose,
	     t->pid, pa, what);
	t->marked++;
	return NULL;
}

static bool is_leaf(uint64_t e, unsigned level)
{
	return level == 1 || (e & PTE_PS);
}

/* Entry @e of a table of @level. */
static const char *check_entry(struct tables *t, uint64_t e, uint64_t va, unsigned level)
{
	if (!is_leaf(e, level))
		return check_tree(t, e, va, level, 0);
	if (va < t->first)
		return NULL;
	t->leaves++;
	return t->leaf(t, va, e, level);
}

const char *check_tree(struct tables *t, uint64_t e, uint64_t va, unsigned level, unsigned extra)
{
	const uint64_t *table = phys_to_virt(e & PTE_ADDR);
	uint64_t span = 1ul << (PAGE_SHIFT + 9 * (level - 2)), n = extra;
	const char *wrong = mark_frame(t, e & PTE_ADDR, "page table");

	t->tables++;
	if (t->unmarking && level == 2 && !t->marks(va))
		return wrong;		/* nothing to do there */
	for (unsigned i = 0; !wrong && (i = pt_next_used(table, i, 512)) < 512; i++) {
		n++;
		wrong = check_entry(t, table[i], va + i * span, level - 1);
	}
	if (wrong)
		return wrong;
	MUST(t->no_counts || (e & PTE_COUNT) >> PTE_COUNT_SHIFT == n,
	     "%s %u: a page table for 0x%lx has %lu entries, and %lu are counted", t->whose, t->pid,
	     va, n, (e & PTE_COUNT) >> PTE_COUNT_SHIFT);
	return NULL;
}
