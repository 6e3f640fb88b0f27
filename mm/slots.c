/* SPDX-License-Identifier: MIT */
/* slots.c - the slots of a pool of stacks: which have frames, and how they come and go. */
#include "mm/slots.h"
#include "kernel/console/panic.h"
#include "mm/frames.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"
#include "mm/tlb.h"

_Static_assert(512 % KSTACK_SLOT_PAGES == 0 && 512 % TRAMPOLINE_SLOT_PAGES == 0,
	       "a slot has one page table");

static struct slot_pool *pools;		/* that have had a slot; grows at its head */

static uint64_t slot_va(const struct slot_pool *p, uint32_t slot)
{
	return p->base + ((uint64_t)slot * p->slot_pages + 1) * PAGE_SIZE;
}

/* --- a slot with frames -------------------------------------------------------- */

/* A slot without frames, or SLOTS_MAX. */
static uint32_t find_slot(const struct slot_pool *p)
{
	uint32_t w = 0;

	if (!p->bare_count)
		return p->slots;
	while (!p->bare[w])
		w++;
	return w * 64 + __builtin_ctzl(p->bare[w]);
}

/* The pool's first slot: from now on it is asked for frames, and its guard pages are known. */
static void add_pool(struct slot_pool *p)
{
	p->next = __atomic_load_n(&pools, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&pools, &p->next, p, true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
}

static void take_slot(struct slot_pool *p, uint32_t slot)
{
	if (slot == p->slots) {
		if (!p->slots++)
			add_pool(p);
	} else {
		p->bare[slot / 64] &= ~(1ul << slot % 64);
		p->bare_count--;
	}
}

/* Only the first page can fail: its table serves the others. */
static bool map_pages(uint64_t va, const uint64_t *pa, unsigned pages)
{
	for (unsigned i = 0; i < pages; i++) {
		int err = kspace_map(va + i * PAGE_SIZE, pa[i], PTE_W | PTE_NX, DESIGNS_NONE);

		if (err && i)
			panic("stack at 0x%lx: page %u cannot be mapped: error %d", va, i, -err);
		if (err)
			return false;
	}
	return true;
}

/* Zeroed frames for a slot, mapped at @va. */
static bool back_slot(uint64_t va, uint64_t *pa, unsigned pages)
{
	unsigned n = 0;

	while (n < pages && (pa[n] = frame_alloc_zeroed()))
		n++;
	if (n == pages && map_pages(va, pa, pages))
		return true;
	while (n)
		frame_free(pa[--n]);
	return false;
}

uint64_t slot_new(struct slot_pool *p, uint64_t *pa)
{
	uint32_t slot = find_slot(p);
	uint64_t frames[KSTACK_PAGES] = { 0 };

	if (slot >= SLOTS_MAX || !back_slot(slot_va(p, slot), frames, p->stack_pages))
		return 0;
	take_slot(p, slot);
	*pa = frames[0];
	return slot_va(p, slot);
}

/* --- giving frames back -------------------------------------------------------- */

static void set_bare(struct slot_pool *p, uint64_t va)
{
	uint64_t slot = (va - p->base) / PAGE_SIZE / p->slot_pages;

	p->bare[slot / 64] |= 1ul << slot % 64;
	p->bare_count++;
}

void slots_bare(struct slot_pool *p, const uint64_t *va, unsigned n)
{
	uint64_t frame[SLOTS_AT_ONCE][KSTACK_PAGES];

	for (unsigned i = 0; i < n; i++)
		for (unsigned page = 0; page < p->stack_pages; page++)
			frame[i][page] = kspace_unmap(va[i] + page * PAGE_SIZE) & PTE_ADDR;
	tlb_flush_kernel_half();
	for (unsigned i = 0; i < n; i++)
		for (unsigned page = 0; page < p->stack_pages; page++)
			frame_free(frame[i][page]);
	spin_lock_checked(&p->lock);
	for (unsigned i = 0; i < n; i++)
		set_bare(p, va[i]);
	spin_unlock(&p->lock);
}

bool slots_shrink(void)
{
	for (struct slot_pool *p = __atomic_load_n(&pools, __ATOMIC_ACQUIRE); p; p = p->next)
		if (p->shrink())
			return true;
	return false;
}

/* --- guard pages ----------------------------------------------------------------- */

/* Is @va in one of @p's slots, but not on its stack? */
static bool is_guard(const struct slot_pool *p, uint64_t va)
{
	uint64_t page = (va - p->base) / PAGE_SIZE, in_slot = page % p->slot_pages;

	return va >= p->base && page < (uint64_t)p->slots * p->slot_pages &&
	       (in_slot < 1 || in_slot > p->stack_pages);
}

const char *slots_guard_of(uint64_t va)
{
	for (struct slot_pool *p = __atomic_load_n(&pools, __ATOMIC_ACQUIRE); p; p = p->next)
		if (is_guard(p, va))
			return p->name;
	return NULL;
}

/* --- for tests ------------------------------------------------------------------- */

static bool mapped(uint64_t va)
{
	unsigned level;

	return pt_lookup(kspace_boot_root(), va, &level);
}

/* Each slot has all its frames, or is bare and has none; no guard page has one. */
const char *slots_check(const struct slot_pool *p)
{
	uint32_t bare = 0;

	if (p->lock.taken)
		return "the lock of a pool of stacks is taken";
	for (uint32_t slot = 0; slot < p->slots; slot++) {
		bool is_bare = p->bare[slot / 64] >> slot % 64 & 1;

		bare += is_bare;
		for (unsigned page = 0; page < p->stack_pages; page++)
			if (mapped(slot_va(p, slot) + page * PAGE_SIZE) == is_bare)
				return "a stack's slot has frames and is bare, or neither";
		if (mapped(slot_va(p, slot) - PAGE_SIZE))
			return "a stack's guard page is mapped";
	}
	return bare == p->bare_count ? NULL : "the count of bare slots is wrong";
}

uint32_t slots_with_frames(const struct slot_pool *p)
{
	return p->slots - p->bare_count;
}
