/* SPDX-License-Identifier: MIT */
/* pagetable.h - 4-level page tables (SDM vol. 3A, 4.5): map, unmap, look up, walk. Runs on the host too. */
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

/* Physical to virtual: the direct map in the kernel (below frames_ram_end()), an array on the host.
 * phys_offset is 0, the early identity map of the first 4 GiB, until kspace_init() has built the direct map. */
#ifdef VESTIBULE_HOST
void *phys_to_virt(uint64_t pa);
#else
extern uint64_t phys_offset;
static inline void *phys_to_virt(uint64_t pa)
{
	return (void *)(pa + phys_offset);
}
#endif

/* Zero @words 64-bit words at @p. One instruction, which icount counts once per word, like any other way to do it. */
static inline void zero_words(void *p, uint64_t words)
{
	__asm__ volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(0ul) : "memory");
}

static inline void page_zero(void *page)
{
	zero_words(page, PAGE_SIZE / 8);
}

/* Map one page, making tables on the way (W set in them, and U in the lower half, so that the leaf decides).
 * Flags are PTE_* without the address; PTE_P is implied.  -ENOMEM, -EEXIST: nothing changed. The caller holds
 * the tree's lock and flushes nothing: not-present entries are not cached. */
int pt_map(uint64_t root, uint64_t va, uint64_t pa, uint64_t flags);
/* Map one 2 MiB (level 2) or 1 GiB (level 3) page. */
int pt_map_large(uint64_t root, uint64_t va, uint64_t pa, uint64_t flags, unsigned level);
/* Unmap one 4 KiB page. Returns the old entry, or 0 when there was none. Tables that become empty are unlinked,
 * the top-level entry included unless pt_fill_slot() made it, and chained onto *@tables (0 to begin with).
 * The caller flushes the TLB (mm/tlb.h), and only then frees the frame, and the tables by pt_free_list(). */
uint64_t pt_unmap(uint64_t root, uint64_t va, uint64_t *tables);
void pt_free_list(uint64_t tables);
/* The leaf entry for @va and its level (1, 2 or 3), or NULL. */
uint64_t *pt_lookup(uint64_t root, uint64_t va, unsigned *level);
/* Call @fn for every present leaf in [from, to), ascending. Stops when it returns false. @access collects the
 * permissions of the whole path: W and U are ANDed, NX is ORed (SDM vol. 3A, 4.6). */
void pt_walk(uint64_t root, uint64_t from, uint64_t to,
	     bool (*fn)(void *ctx, uint64_t va, uint64_t entry, uint64_t access, unsigned level), void *ctx);
/* Free all tables (not leaf frames) under top-level slots [first, last). */
void pt_free_tables(uint64_t root, unsigned first, unsigned last);
/* Make the table that top-level slot @slot points at exist, empty or not, for ever; -ENOMEM. */
int pt_fill_slot(uint64_t root, unsigned slot);

uint64_t pt_pages(void);		/* page-table pages in use, roots not counted */

#endif
