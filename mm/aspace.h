/* SPDX-License-Identifier: MIT */
/*
 * aspace.h - a process's address space: the root pair and its regions.
 *
 * The kernel root is the even half of an 8 KiB pair, the user root is
 * kernel root + 4096; in a space whose design does not split that half is empty, and in a boot of
 * such a design there is none.  Both share everything below the lower half's top-level
 * entries; whoever adds or clears one writes both.  In the kernel root those
 * entries are NX, so a missed flip out faults on the first user instruction.
 */
#ifndef MM_ASPACE_H
#define MM_ASPACE_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/lib/list.h"
#include "kernel/sync/spinlock.h"
#include "mm/tlb.h"

struct region {				/* [start, end) demand-zero or filled by the ELF loader */
	uint64_t start, end;
	uint64_t flags;			/* PTE_W, PTE_NX */
	bool anonymous;	/* aspace_map_anon() made it, so aspace_unmap() may take it away */
	bool going;	/* unmapped, but not all pages are gone: its addresses are nobody's */
	bool busy;			/* an aspace_unmap() is at it */
	uint8_t height;			/* of the tree below, see mm/region.c */
	struct region *left, *right;
	uint64_t first, last, gap;	/* of that tree: lowest start, highest end, largest gap */
};

#define REGIONS_OWN 4			/* a small program has no more */

struct budget;
struct entry_design;

struct aspace {
	struct spinlock lock;
	struct region *regions;		/* the tree's root */
	struct region *recent;		/* that served the last fault, or NULL */
	uint32_t region_count;
	uint64_t next_map;		/* where map() looks first */
	uint64_t frames;		/* its pages, page tables without the roots, and memory
					 * of its regions; */
	uint64_t charged;		/* and what the budget has been charged for them: some
					 * more, ahead; */
	uint64_t room;	/* with fewer frames than this a page and all its tables are charged */
	struct budget *budget;		/* NULL: nobody is charged */
	uint64_t destroyed;		/* how far aspace_destroy_step() has come */
	struct tlb_space tlb;
	const struct entry_design *design;	/* by which its programs enter the kernel */
	uint32_t pid;			/* owner, for messages */
	uint32_t own_free;		/* bit per place in own_regions */
	struct list region_pages;	/* frames with further ones, see mm/regionpool.c */
	struct region own_regions[REGIONS_OWN];
};

/* New empty space for a process of @design, whose map_user_root() is called. NULL when memory is
 * short. What it takes from then on, but for the roots, is charged to @budget, which outlives it;
 * NULL: to nobody. */
struct aspace *aspace_create(struct budget *budget, const struct entry_design *design);
/* The last refusal of memory may well have been @as's budget's, not the machine's. */
bool aspace_at_limit(struct aspace *as);
/* Free everything, in steps of at most 5,000 instructions: true when all is done, the struct
 * included. No CPU's CR3 holds either root any more, and nobody but the caller knows the space.
 * IRQs off. */
bool aspace_destroy_step(struct aspace *as);
/* What comes between two steps of a long operation: sched_point(). No lock is held then. True: give
 * up. */
typedef bool point_fn(void);
/* All steps, with points between them, whatever those say. */
void aspace_destroy(struct aspace *as, point_fn *point);

/* The words for CR3. In an unsplit design both are the one root. */
uint64_t aspace_kernel_cr3(const struct aspace *as);
uint64_t aspace_user_cr3(const struct aspace *as);

/* Add a demand-zero region at a fixed address. -EINVAL (not page aligned, outside the user
 * half), -EEXIST, -ENOMEM (also when the space has REGIONS_MAX regions). */
int aspace_add_region(struct aspace *as, uint64_t start, uint64_t len, uint64_t flags);
/* The same, at an address of the kernel's choice: *start is set. */
int aspace_map_anon(struct aspace *as, uint64_t len, uint64_t flags, uint64_t *start);
/*
 * Remove a region that aspace_map_anon() made, in steps with points between them.  Its addresses
 * stay taken until the last page is gone, but no fault brings one in any more.  -EINVAL when
 * [start, start + len) is not exactly one such region, or another call is removing it.  -EINTR when
 * @point() says so before that: another call for the same region goes on, or aspace_destroy() does.
 * IRQs off, no lock held.
 */
int aspace_unmap(struct aspace *as, uint64_t start, uint64_t len, point_fn *point);
/* Resolve a page fault at @va (@write, @exec from the error code), which found no page there. 0:
 * mapped, perhaps by another CPU meanwhile, retry; -EFAULT: no region allows it; -ENOMEM: none
 * is left, or the budget's limit is reached. A fault that did find a page (error code bit 0) is
 * none for this function: rights are never added later, so it would come again for ever. IRQs
 * off. */
int aspace_fault(struct aspace *as, uint64_t va, bool write, bool exec);
/* Make the page at @va present and return its first byte through the direct map, for whoever
 * fills a new space: rights are not checked. NULL when no region holds it or memory is short. */
void *aspace_populate(struct aspace *as, uint64_t va);

/* A supervisor page in this space's user root only, under its own page-table pages (a
 * trampoline). */
int aspace_map_private(struct aspace *as, uint64_t va, uint64_t pa, uint64_t flags);
/* Take it out again and flush; tables are freed when empty. */
void aspace_unmap_private(struct aspace *as, uint64_t va);

#endif
