/* SPDX-License-Identifier: MIT */
/*
 * check_pages.h - walks over all page tables, for tests/kernel/check_pages.c and check_tables.c.
 *
 * A frame is marked where it is met, in the allocator's own map, so that one that serves twice is
 * found without any memory.  A second walk, which finds what the first one did in the same order,
 * takes the marks off.
 */
#ifndef TESTS_CHECK_PAGES_H
#define TESTS_CHECK_PAGES_H

#include "mm/pagetable.h"
#include "tests/kernel/invariants.h"

#define PTE_COUNT	(1023ul << 52)	/* mm/pagetable.c: entries in use of the table below */
#define PTE_COUNT_SHIFT	52

struct tables {
	uint64_t marked, unmark;	/* frames; with @unmarking, marks that are still to be
					 * taken off */
	bool unmarking;
	uint64_t tables;		/* page-table pages met, roots not counted */
	/* Of the tree at hand: */
	const char *whose;
	uint32_t pid;
	uint64_t first;			/* leaves below have gone, and what hangs there is freed;
					 * counts are old then */
	bool no_counts;
	uint64_t leaves;
	const char *(*leaf)(struct tables *t, uint64_t va, uint64_t entry, unsigned level);
	bool (*marks)(uint64_t va);	/* does @leaf mark what the table from @va on maps? */
	const void *of;			/* for @leaf */
};

/* The frame at @pa, which holds @what, is handed out, and was not met before. */
const char *mark_frame(struct tables *t, uint64_t pa, const char *what);
/* The tree below entry @e, of @level, which translates from @va on; @extra entries count though
 * there is none. */
const char *check_tree(struct tables *t, uint64_t e, uint64_t va, unsigned level, unsigned extra);

#endif
