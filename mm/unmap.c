/* SPDX-License-Identifier: MIT */
/*
 * unmap.c - the ends of ranges and of spaces, in bounded steps.
 *
 * Nothing is freed while somebody can find it: pages leave the tables, every CPU forgets them, and
 * then they are freed; a range's addresses are free after its last page.
 */
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/sync/spinlock.h"
#include "mm/aspace_internal.h"
#include "mm/budget.h"
#include "mm/frames.h"
#include "mm/heap.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "mm/region.h"
#include "mm/tlb.h"

#define LOWER_END	0x0000800000000000ul
#define UPPER_START	0xffff800000000000ul
#define SLOT_SPAN	0x0000008000000000ul	/* of one top-level entry */
#define SLOTS		512
#define TABLES_GONE	LOWER_END	/* in as->destroyed: what is left is the regions' memory */

/* --- a range ------------------------------------------------------------- */

/* What one locked step took out of the tables. Flushed with no lock held, and only then freed. */
struct batch {
	uint64_t va[TLB_BATCH], frame[TLB_BATCH];
	unsigned n;
	struct pt_list tables;
};

/* pt_unmap() may have unlinked the top-level entry: the user root loses it too, before any
 * flush. */
static void retract_slot(struct aspace *as, uint64_t va)
{
	uint64_t *k = (uint64_t *)phys_to_virt(as->tlb.root) + pt_index(va, 4);

	if (as->tlb.split && !(*k & PTE_P))
		k[PAGE_SIZE / sizeof(*k)] = 0;
}

static bool collect_leaf(void *ctx, uint64_t va, uint64_t e, uint64_t access, unsigned level)
{
	struct batch *b = ctx;

	(void)access, (void)level;
	b->va[b->n] = va;
	b->frame[b->n] = e & PTE_ADDR;
	return ++b->n < TLB_BATCH;
}

/* Take a few pages of [*at, to) out of the tables. True when that was the rest. */
static bool take_pages(struct aspace *as, uint64_t *at, uint64_t to, struct batch *b)
{
	bool done;

	spin_lock_checked(&as->lock);
	b->n = 0;
	b->tables = (struct pt_list){ 0 };
	done = pt_walk_step(as->tlb.root, at, to, collect_leaf, b);
	for (unsigned i = 0; i < b->n; i++) {
		pt_unmap(as->tlb.root, b->va[i], &b->tables);
		retract_slot(as, b->va[i]);
	}
	as->frames -= b->n + b->tables.count;
	aspace_charge_back(as);
	spin_unlock(&as->lock);
	return done;
}

/* Unmap and free everything in @r, where no fault brings anything in any more. 0, or -EINTR. */
static int unmap_pages(struct aspace *as, const struct region *r, point_fn *point)
{
	uint64_t at = r->start;
	struct batch b;

	for (;;) {
		bool done = take_pages(as, &at, r->end, &b);

		tlb_flush_user_pages(&as->tlb, b.va, b.n);
		for (unsigned i = 0; i < b.n; i++)
			frame_free(b.frame[i]);
		pt_free_list(&b.tables);
		if (done)
			return 0;
		if (point())
			return -EINTR;
	}
}

/* Make the region [start, start + len) one that goes, and the caller's to remove. NULL when it is
 * none. */
static struct region *claim_region(struct aspace *as, uint64_t start, uint64_t len)
{
	struct region *r;

	spin_lock_checked(&as->lock);
	r = region_find_exact(as, start, len);
	if (r && r->busy)
		r = NULL;
	if (r) {
		region_going(as, r);
		r->busy = true;
	}
	spin_unlock(&as->lock);
	return r;
}

int aspace_unmap(struct aspace *as, uint64_t start, uint64_t len, point_fn *point)
{
	struct region *r = claim_region(as, start, len);
	int err;

	if (!r)
		return -EINVAL;
	err = unmap_pages(as, r, point);
	spin_lock_checked(&as->lock);
	r->busy = false;
	if (!err)	/* the last step: until now map() could not have the addresses */
		aspace_remove_region(as, r);
	spin_unlock(&as->lock);
	return err;
}

/* --- a space --------------------------------------------------------------- */

static bool free_leaf(void *ctx, uint64_t va, uint64_t e, uint64_t access, unsigned level)
{
	(void)ctx, (void)va, (void)access, (void)level;
	frame_free(e & PTE_ADDR);
	return true;
}

/* A step through the private part: the tables only, for the pages are somebody else's. */
static void free_private_step(struct aspace *as)
{
	uint64_t user_root = aspace_user_cr3(as);
	const uint64_t *entries = phys_to_virt(user_root);
	unsigned first = pt_index(as->destroyed, 4), slot = first;

	while ((slot = pt_next_used(entries, slot, SLOTS)) < SLOTS &&
	       kspace_is_shared_slot(as->design, slot))
		slot++;
	if (slot > first)
		as->destroyed = UPPER_START + (slot - SLOTS / 2) * SLOT_SPAN;
	if (slot < SLOTS)
		pt_free_step(user_root, &as->destroyed, (as->destroyed & -SLOT_SPAN) + SLOT_SPAN,
			     NULL);
	if (!as->destroyed)		/* past the last slot */
		as->destroyed = TABLES_GONE;
}

bool aspace_destroy_step(struct aspace *as)
{
	if (!as->destroyed) {
		tlb_space_check_left(&as->tlb);
		as->design->release_user_root(as);
	}
	if (as->destroyed < LOWER_END) {
		if (pt_free_step(as->tlb.root, &as->destroyed, LOWER_END, free_leaf))
			as->destroyed = UPPER_START;
	} else if (as->destroyed != TABLES_GONE) {
		free_private_step(as);
	} else if (regionpool_free_step(as)) {
		if (as->budget)
			budget_return(as->budget, as->charged, 0);
		frames_free_order(as->tlb.root, entry_mixed());
		kfree(as);
		return true;
	}
	return false;
}

void aspace_destroy(struct aspace *as, point_fn *point)
{
	while (!aspace_destroy_step(as))
		point();
}
