/* SPDX-License-Identifier: MIT */
/*
 * stacks.c - pools of kernel stacks and trampolines: handed round with their frames while memory
 * suffices.
 *
 * A slot is in use, free (with frames, in a list), bare (without, in a bitmap), or was never used.
 */
#include "mm/stacks.h"
#include "arch/x86_64/cpu.h"
#include "kernel/abi.h"
#include "kernel/console/panic.h"
#include "kernel/sync/spinlock.h"
#include "mm/frames.h"
#include "mm/heap.h"
#include "mm/kspace.h"
#include "mm/layout.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "mm/tlb.h"

#define SLOTS_MAX	32768u		/* of each pool: twice as many as there are tids */
#define SHRINK_SLOTS	6		/* that one step takes the frames from */

/* An area of equal slots, each a guard page and then @stack_pages of stack. */
struct pool {
	uint64_t base;
	unsigned slot_pages, stack_pages;
	uint32_t slots;			/* used so far */
	uint32_t bare_count;
	uint64_t bare[SLOTS_MAX / 64];	/* bit per slot */
};

static struct spinlock stacks_lock;
static struct pool kstacks = {
	.base = KSTACK_AREA_BASE, .slot_pages = KSTACK_SLOT_PAGES, .stack_pages = KSTACK_PAGES,
};
static struct pool trampolines = {
	.base = TRAMPOLINE_AREA_BASE, .slot_pages = TRAMPOLINE_SLOT_PAGES, .stack_pages = 1,
};

_Static_assert(512 % KSTACK_SLOT_PAGES == 0 && 512 % TRAMPOLINE_SLOT_PAGES == 0,
	       "a slot has one page table");

/* Top of the first free stack; each keeps the next one's top in its highest word. */
static uint64_t free_kstacks;

struct trampoline_slot {
	uint64_t va, pa;
	uint64_t last_space;		/* its tlb.id; 0: nobody since it was zeroed */
	struct trampoline_slot *next;
};
static struct trampoline_slot *free_trampolines;

/* --- slots ------------------------------------------------------------------- */

static uint64_t slot_va(const struct pool *p, uint32_t slot)
{
	return p->base + ((uint64_t)slot * p->slot_pages + 1) * PAGE_SIZE;
}

/* A slot without frames, or SLOTS_MAX. */
static uint32_t find_slot(const struct pool *p)
{
	uint32_t w = 0;

	if (!p->bare_count)
		return p->slots;
	while (!p->bare[w])
		w++;
	return w * 64 + __builtin_ctzl(p->bare[w]);
}

static void set_bare(struct pool *p, uint64_t va)
{
	uint64_t slot = (va - p->base) / PAGE_SIZE / p->slot_pages;

	p->bare[slot / 64] |= 1ul << slot % 64;
	p->bare_count++;
}

static void take_slot(struct pool *p, uint32_t slot)
{
	if (slot == p->slots) {
		p->slots++;
	} else {
		p->bare[slot / 64] &= ~(1ul << slot % 64);
		p->bare_count--;
	}
}

/* Only the first page can fail: its table serves the others. */
static bool map_pages(uint64_t va, const uint64_t *pa, unsigned pages)
{
	for (unsigned i = 0; i < pages; i++) {
		int err = kspace_map(va + i * PAGE_SIZE, pa[i], PTE_W | PTE_NX);

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

/* Lowest stack address of a slot that has got frames, the first of which is *@pa, or 0. */
static uint64_t new_slot(struct pool *p, uint64_t *pa)
{
	uint32_t slot = find_slot(p);
	uint64_t frames[KSTACK_PAGES] = { 0 };

	if (slot >= SLOTS_MAX || !back_slot(slot_va(p, slot), frames, p->stack_pages))
		return 0;
	take_slot(p, slot);
	*pa = frames[0];
	return slot_va(p, slot);
}

/* --- handing out ------------------------------------------------------------- */

uint64_t kstack_alloc(void)
{
	uint64_t top, pa;

	spin_lock_checked(&stacks_lock);
	top = free_kstacks;
	if (top) {
		free_kstacks = ((uint64_t *)top)[-1];
	} else {
		top = new_slot(&kstacks, &pa);
		if (top)
			top += KSTACK_PAGES * PAGE_SIZE;
	}
	spin_unlock(&stacks_lock);
	return top;
}

void kstack_free(uint64_t top)
{
	spin_lock_checked(&stacks_lock);
	((uint64_t *)top)[-1] = free_kstacks;
	free_kstacks = top;
	spin_unlock(&stacks_lock);
}

static struct trampoline_slot *new_trampoline(void)
{
	struct trampoline_slot *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->va = new_slot(&trampolines, &s->pa);
	if (!s->va) {
		kfree(s);
		return NULL;
	}
	return s;
}

int trampoline_alloc(struct trampoline *t, uint64_t space)
{
	struct trampoline_slot *s;

	spin_lock_checked(&stacks_lock);
	s = free_trampolines;
	if (s)
		free_trampolines = s->next;
	else
		s = new_trampoline();
	spin_unlock(&stacks_lock);
	if (!s)
		return -ENOMEM;
	if (s->last_space && s->last_space != space)
		page_zero((void *)s->va);
	s->last_space = space;
	*t = (struct trampoline){ .va = s->va, .pa = s->pa, .slot = s };
	return 0;
}

void trampoline_free(const struct trampoline *t)
{
	spin_lock_checked(&stacks_lock);
	t->slot->next = free_trampolines;
	free_trampolines = t->slot;
	spin_unlock(&stacks_lock);
}

/* --- giving frames back -------------------------------------------------------- */

/* Slots whose frames are on their way out: in no list meanwhile. */
struct leaving {
	unsigned n;
	uint64_t va[SHRINK_SLOTS];
	uint64_t frame[SHRINK_SLOTS][KSTACK_PAGES];
};

/* Take the frames of the slots @l, whose addresses can then be had again. */
static void bare_slots(struct pool *p, struct leaving *l)
{

	for (unsigned i = 0; i < l->n; i++)
		for (unsigned page = 0; page < p->stack_pages; page++)
			l->frame[i][page] = kspace_unmap(l->va[i] + page * PAGE_SIZE) & PTE_ADDR;
	tlb_flush_kernel_half();
	for (unsigned i = 0; i < l->n; i++)
		for (unsigned page = 0; page < p->stack_pages; page++)
			frame_free(l->frame[i][page]);
	spin_lock_checked(&stacks_lock);
	for (unsigned i = 0; i < l->n; i++)
		set_bare(p, l->va[i]);
	spin_unlock(&stacks_lock);
}

static bool shrink_kstacks(void)
{
	struct leaving l = { .n = 0 };

	spin_lock_checked(&stacks_lock);
	for (l.n = 0; free_kstacks && l.n < SHRINK_SLOTS; l.n++) {
		l.va[l.n] = free_kstacks - KSTACK_PAGES * PAGE_SIZE;
		free_kstacks = ((uint64_t *)free_kstacks)[-1];
	}
	spin_unlock(&stacks_lock);
	if (l.n)
		bare_slots(&kstacks, &l);
	return l.n;
}

static bool shrink_trampolines(void)
{
	struct trampoline_slot *slot[SHRINK_SLOTS] = { NULL };
	struct leaving l = { .n = 0 };

	spin_lock_checked(&stacks_lock);
	for (l.n = 0; free_trampolines && l.n < SHRINK_SLOTS; l.n++) {
		slot[l.n] = free_trampolines;
		l.va[l.n] = free_trampolines->va;
		free_trampolines = free_trampolines->next;
	}
	spin_unlock(&stacks_lock);
	if (l.n)
		bare_slots(&trampolines, &l);
	for (unsigned i = 0; i < l.n; i++)
		kfree(slot[i]);
	return l.n;
}

bool stacks_shrink(void)
{
	return shrink_kstacks() || shrink_trampolines();
}

/* --- guard pages ----------------------------------------------------------------- */

/* Is @va in one of @p's slots, but not on its stack? */
static bool pool_guard(const struct pool *p, uint64_t va)
{
	uint64_t page = (va - p->base) / PAGE_SIZE, in_slot = page % p->slot_pages;

	return va >= p->base && page < (uint64_t)p->slots * p->slot_pages &&
	       (in_slot < 1 || in_slot > p->stack_pages);
}

bool stack_guard_hit(uint64_t va, const char **what)
{
	/* By the guard page below it: stacks grow down into theirs. */
	static const char *const names[CEA_BLOCK_PAGES] = {
		[CEA_ENTRY_STACK_PAGE - 1] = "entry stack",
		[CEA_NMI_STACK_PAGE - 1] = "NMI stack",
		[CEA_DB_STACK_PAGE - 1] = "#DB stack",
		[CEA_DF_STACK_PAGE - 1] = "#DF stack",
		[CEA_MC_STACK_PAGE - 1] = "#MC stack",
	};
	uint64_t page = (va - CEA_FIRST_BLOCK) / PAGE_SIZE;

	*what = NULL;
	if (pool_guard(&kstacks, va))
		*what = "kernel stack";
	else if (pool_guard(&trampolines, va))
		*what = "trampoline stack";
	else if (va >= CEA_FIRST_BLOCK && page < (uint64_t)MAX_CPUS * CEA_BLOCK_PAGES)
		*what = names[page % CEA_BLOCK_PAGES];
	return *what != NULL;
}

/* --- for tests ------------------------------------------------------------------- */

static bool mapped(uint64_t va)
{
	unsigned level;

	return pt_lookup(kspace_boot_root(), va, &level);
}

/* Each slot has all its frames, or is bare and has none; no guard page has one. */
static const char *check_slots(const struct pool *p)
{
	uint32_t bare = 0;

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

const char *stacks_check(struct stacks_use *use)
{
	const char *wrong = stacks_lock.taken ? "the stacks' lock is taken" : check_slots(&kstacks);
	uint64_t n = 0;

	use->kstacks = kstacks.slots - kstacks.bare_count;
	for (uint64_t top = free_kstacks; top && n <= kstacks.slots; top = ((uint64_t *)top)[-1])
		n++;
	use->kstacks -= n;
	n = 0;
	use->trampolines = trampolines.slots - trampolines.bare_count;
	for (const struct trampoline_slot *s = free_trampolines; s && n <= trampolines.slots;
	     s = s->next)
		n++;
	use->trampolines -= n;
	return wrong ? wrong : check_slots(&trampolines);
}
