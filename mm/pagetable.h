/* SPDX-License-Identifier: MIT */
/* pagetable.h - 4-level page tables (SDM vol. 3A, 4.5): map, unmap, look up, walk. Runs on the host
 * too. */
#ifndef MM_PAGETABLE_H
#define MM_PAGETABLE_H

#include <stdbool.h>
#include <stdint.h>
#include "mm/layout.h"

#define PTE_P	(1ul << 0)
#define PTE_W	(1ul << 1)
#define PTE_U	(1ul << 2)
#define PTE_PWT	(1ul << 3)
#define PTE_PCD	(1ul << 4)
#define PTE_A	(1ul << 5)
#define PTE_D	(1ul << 6)
#define PTE_PS	(1ul << 7)
#define PTE_G	(1ul << 8)
#define PTE_NX	(1ul << 63)
#define PTE_ADDR 0x000ffffffffff000ul

/* Index of @va at @level (4 = top). */
static inline unsigned pt_index(uint64_t va, unsigned level)
{
	return va >> (PAGE_SHIFT + 9 * (level - 1)) & 511;
}

/* Tables that were unlinked, and that processors may still walk. { 0 } to begin with. */
struct pt_list {
	uint64_t first, count;
};

/* Map one page, making tables on the way (W set in them, and U in the lower half, so that the
 * leaf decides); *@made, which may be NULL, goes up by their number.  Flags are PTE_* without
 * the address; PTE_P is implied.  -ENOMEM, -EEXIST: nothing changed. The caller holds the tree's
 * lock and flushes nothing: not-present entries are not cached. */
int pt_map(uint64_t root, uint64_t va, uint64_t pa, uint64_t flags, uint64_t *made);
/* Map one 2 MiB (level 2) or 1 GiB (level 3) page. */
int pt_map_large(uint64_t root, uint64_t va, uint64_t pa, uint64_t flags, unsigned level);
/* Make the tables for @va, so that pt_map() of that page cannot fail for want of memory;
 * -ENOMEM. They stay when it does not come to that. */
int pt_prepare(uint64_t root, uint64_t va);
/* Unmap one 4 KiB page. Returns the old entry, or 0 when there was none. Tables that become
 * empty are unlinked, the top-level entry included unless pt_fill_slot() made it, and put onto
 * *@gone; with NULL they stay. The caller flushes the TLB (mm/tlb.h), and only then frees the
 * frame, and the tables by pt_free_list(). */
uint64_t pt_unmap(uint64_t root, uint64_t va, struct pt_list *gone);
void pt_free_list(const struct pt_list *gone);
/* The leaf entry for @va and its level (1, 2 or 3), or NULL. */
uint64_t *pt_lookup(uint64_t root, uint64_t va, unsigned *level);
/* The first entry of @table from @i on, below @end, that is present; @end: there is none. */
unsigned pt_next_used(const uint64_t *table, unsigned i, unsigned end);

/* Called for a present leaf; @access has the permissions of the whole path: W and U are ANDed,
 * NX is ORed (SDM vol. 3A, 4.6). False ends the walk. */
typedef bool pt_visitor(void *ctx, uint64_t va, uint64_t entry, uint64_t access, unsigned level);
/* Call @fn for every present leaf in [from, to), ascending. */
void pt_walk(uint64_t root, uint64_t from, uint64_t to, pt_visitor *fn, void *ctx);

/* A step of a walk is bounded by its work: an entry counts 1, a leaf or a table that is freed
 * PT_LEAF_WORK, eight empty ones together PT_LINE_WORK. */
#define PT_STEP_WORK	384
#define PT_LEAF_WORK	32
#define PT_LINE_WORK	3
/* A part of that walk: from *@at on, which moves to where the next step goes on. True at the
 * end, *@at being @to. With @to 0 that is the end of memory. */
bool pt_walk_step(uint64_t root, uint64_t *at, uint64_t to, pt_visitor *fn, void *ctx);
/* The same for a tree that no processor has loaded, and whole top-level entries: frees their
 * tables, after @fn (NULL: nothing) has seen the leaves. */
bool pt_free_step(uint64_t root, uint64_t *at, uint64_t to, pt_visitor *fn);
/* Make the table that top-level slot @slot points at exist, empty or not, for ever; -ENOMEM. */
int pt_fill_slot(uint64_t root, unsigned slot);

uint64_t pt_pages(void);		/* page-table pages in use, roots not counted */

#endif
