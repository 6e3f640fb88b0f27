/* SPDX-License-Identifier: MIT */
/*
 * aspace.c - address spaces: the root pair, its regions, demand-zero pages.
 *
 * Page tables of the lower half are built in the kernel root; the user root
 * gets copies of its top-level entries, which are the only place where the two
 * halves of the pair differ there: NX in the kernel root.
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

#define PAGE_AND_TABLES	4			/* the most that one new page takes */
#define CHARGED_AHEAD	64			/* frames: charging walks up a tree of budgets */

uint64_t aspace_kernel_cr3(const struct aspace *as)
{
	return as->tlb.root;
}

uint64_t aspace_user_cr3(const struct aspace *as)
{
	return as->tlb.split ? as->tlb.root + PAGE_SIZE : as->tlb.root;
}

/* --- the pair's top-level entries ------------------------------------------ */

/* A new table hangs in the kernel root's entry for @va: let the user root see it, and forbid
 * execution in the kernel root. The user root's copy keeps no count of its own. */
static void publish_slot(struct aspace *as, uint64_t va)
{
	uint64_t *k = (uint64_t *)phys_to_virt(as->tlb.root) + pt_index(va, 4);
	uint64_t *u = k + PAGE_SIZE / sizeof(*k);

	if (!as->tlb.split || (*u & PTE_P))
		return;
	*u = *k & (PTE_ADDR | PTE_P | PTE_W | PTE_U);
	*k |= PTE_NX;
}

/* --- what it is charged for ------------------------------------------------ */

static void set_charged(struct aspace *as, uint64_t charged)
{
	as->charged = charged;
	as->room = charged >= PAGE_AND_TABLES ? charged - PAGE_AND_TABLES + 1 : 0;
}

/* Locked, as all of these. */
static __attribute__((noinline)) bool charge_ahead(struct aspace *as)
{
	for (uint64_t n = CHARGED_AHEAD; n >= PAGE_AND_TABLES; n /= 2) {
		if (as->budget && !budget_charge(as->budget, n, 0))
			continue;
		set_charged(as, as->charged + n);
		return true;
	}
	return false;
}

/* May a page, and tables for it, be had? */
static inline bool may_grow(struct aspace *as)
{
	return __builtin_expect(as->frames < as->room, 1) || charge_ahead(as);
}

/* It has become smaller: give back what it will not need soon. */
void aspace_charge_back(struct aspace *as)
{
	uint64_t ahead = as->charged - as->frames;

	if (ahead <= 2 * CHARGED_AHEAD)
		return;
	set_charged(as, as->frames + CHARGED_AHEAD);
	if (as->budget)
		budget_return(as->budget, ahead - CHARGED_AHEAD, 0);
}

bool aspace_at_limit(struct aspace *as)
{
	bool at;

	spin_lock_checked(&as->lock);
	at = !may_grow(as);
	spin_unlock(&as->lock);
	return at;
}

/* --- life of a space ------------------------------------------------------- */

struct aspace *aspace_create(struct budget *budget, const struct entry_design *design)
{
	struct aspace *as = kzalloc(sizeof(*as));
	unsigned order = entry_mixed();	/* a bit of CR3 tells the halves of all pairs apart */
	uint64_t root;

	if (!as)
		return NULL;
	root = frames_alloc_order(order);
	if (!root) {
		kfree(as);
		return NULL;
	}
	for (unsigned i = 0; i < 1u << order; i++)
		page_zero(phys_to_virt(root + i * PAGE_SIZE));
	as->next_map = USER_MAP_BASE;
	as->budget = budget;
	as->design = design;
	regionpool_init(as);
	tlb_space_init(&as->tlb, root, design->split);
	kspace_fill_kernel_root(root);
	if (design->map_user_root(as)) {
		frames_free_order(root, order);
		kfree(as);
		return NULL;
	}
	return as;
}

/* --- regions --------------------------------------------------------------- */

static bool bad_range(uint64_t start, uint64_t len)
{
	return !len || start % PAGE_SIZE || len % PAGE_SIZE || start < USER_MIN ||
	       start > USER_END || len > USER_END - start;
}

static bool bad_flags(uint64_t flags)
{
	return (flags & (PTE_W | PTE_NX)) == PTE_W;	/* writable and executable */
}

/* A region that has its memory, and the space is charged for that; or NULL. Locked. */
static struct region *new_region(struct aspace *as, uint64_t start, uint64_t len, uint64_t flags)
{
	if (regionpool_full(as) && !(may_grow(as) && regionpool_grow(as)))
		return NULL;
	return region_new(as, start, len, flags);
}

/* The same, at its place. Locked. */
static int add_region(struct aspace *as, uint64_t start, uint64_t len, uint64_t flags,
		      struct region **r)
{
	int err;

	*r = new_region(as, start, len, flags);
	if (!*r)
		return -ENOMEM;
	err = region_link(as, *r);
	if (err)
		region_free(as, *r);
	return err;
}

void aspace_remove_region(struct aspace *as, struct region *r)
{
	region_unlink(as, r);
	region_free(as, r);
	aspace_charge_back(as);
}

int aspace_add_region(struct aspace *as, uint64_t start, uint64_t len, uint64_t flags)
{
	struct region *r;
	int err;

	if (bad_range(start, len) || bad_flags(flags))
		return -EINVAL;
	spin_lock_checked(&as->lock);
	err = add_region(as, start, len, flags, &r);
	spin_unlock(&as->lock);
	return err;
}

int aspace_map_anon(struct aspace *as, uint64_t len, uint64_t flags, uint64_t *start)
{
	struct region *r;
	uint64_t at;
	int err = -ENOMEM;

	if (bad_flags(flags) || !len || len % PAGE_SIZE)
		return -EINVAL;
	if (len > USER_END)
		return -ENOMEM;
	spin_lock_checked(&as->lock);
	at = region_gap(as, as->next_map, len);
	if (!at)			/* the top is reached: look again from the bottom */
		at = region_gap(as, USER_MAP_BASE, len);
	if (at)
		err = add_region(as, at, len, flags, &r);
	if (!err) {
		r->anonymous = true;
		as->next_map = r->end;
		*start = at;
	}
	spin_unlock(&as->lock);
	return err;
}

/* --- page faults ----------------------------------------------------------- */

/* Back the page at @va with a zeroed frame, by @r's rights. -EEXIST when it has one. Locked. */
static int add_page(struct aspace *as, const struct region *r, uint64_t va)
{
	uint64_t pa;
	int err;

	if (!may_grow(as))
		return -ENOMEM;
	pa = frame_alloc_zeroed();
	if (!pa)
		return -ENOMEM;
	err = pt_map(as->tlb.root, va, pa, r->flags | PTE_U, &as->frames);
	if (err) {
		frame_free(pa);
		return err;
	}
	publish_slot(as, va);
	as->frames++;
	return 0;
}

int aspace_fault(struct aspace *as, uint64_t va, bool write, bool exec)
{
	const struct region *r;
	int err = -EFAULT;

	spin_lock_checked(&as->lock);
	r = region_find(as, va);
	if (r && !(write && !(r->flags & PTE_W)) && !(exec && (r->flags & PTE_NX)))
		err = add_page(as, r, va);
	spin_unlock(&as->lock);
	/* Another CPU was faster: what is there has the region's rights, which allow the access. */
	return err == -EEXIST ? 0 : err;
}

void *aspace_populate(struct aspace *as, uint64_t va)
{
	const struct region *r;
	uint64_t *leaf = NULL;
	unsigned level;

	spin_lock_checked(&as->lock);
	r = region_find(as, va);
	if (r && add_page(as, r, va) != -ENOMEM)
		leaf = pt_lookup(as->tlb.root, va, &level);
	spin_unlock(&as->lock);
	return leaf ? phys_to_virt(*leaf & PTE_ADDR) : NULL;
}

/* --- private pages --------------------------------------------------------- */

int aspace_map_private(struct aspace *as, uint64_t va, uint64_t pa, uint64_t flags)
{
	int err = -ENOMEM;

	spin_lock_checked(&as->lock);
	if (may_grow(as))
		err = pt_map(aspace_user_cr3(as), va, pa, flags, &as->frames);
	spin_unlock(&as->lock);
	return err;
}

void aspace_unmap_private(struct aspace *as, uint64_t va)
{
	struct pt_list tables = { 0 };

	spin_lock_checked(&as->lock);
	pt_unmap(aspace_user_cr3(as), va, &tables);
	as->frames -= tables.count;
	aspace_charge_back(as);
	spin_unlock(&as->lock);
	tlb_flush_private_page(&as->tlb, va);
	pt_free_list(&tables);
}
