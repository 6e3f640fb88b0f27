/* SPDX-License-Identifier: MIT */
/* stacks.c - pools of kernel stacks and trampolines: mapped once, handed round. */
#include "mm/stacks.h"
#include "arch/x86_64/cpu.h"
#include "kernel/abi.h"
#include "kernel/spinlock.h"
#include "mm/frames.h"
#include "mm/heap.h"
#include "mm/kspace.h"
#include "mm/layout.h"
#include "mm/pagetable.h"

/* An area of equal slots, each a guard page and then @stack_pages of stack. */
struct pool {
	uint64_t base;
	unsigned slot_pages, stack_pages;
	uint64_t mapped;		/* stack pages so far; a slot left half done is finished later */
	uint64_t last_pa;		/* frame of the page mapped last */
};

static struct spinlock stacks_lock;
static struct pool kstacks = { KSTACK_AREA_BASE, KSTACK_SLOT_PAGES, KSTACK_PAGES, 0, 0 };
static struct pool trampolines = { TRAMPOLINE_AREA_BASE, TRAMPOLINE_SLOT_PAGES, 1, 0, 0 };

/* Top of the first free stack; each keeps the next one's top in its highest word. */
static uint64_t free_kstacks;

struct trampoline_slot {
	uint64_t va, pa;
	uint32_t last_pid;		/* 0: nobody since it was zeroed */
	struct trampoline_slot *next;
};
static struct trampoline_slot *free_trampolines;

static bool map_next_page(struct pool *p)
{
	uint64_t slot = p->mapped / p->stack_pages, page = p->mapped % p->stack_pages;
	uint64_t va = p->base + (slot * p->slot_pages + 1 + page) * PAGE_SIZE;
	uint64_t pa = frame_alloc_zeroed();

	if (!pa)
		return false;
	if (kspace_map(va, pa, PTE_W | PTE_NX)) {
		frame_free(pa);
		return false;
	}
	p->mapped++;
	p->last_pa = pa;
	return true;
}

/* Lowest stack address of a new slot, or 0. */
static uint64_t new_slot(struct pool *p)
{
	do {
		if (!map_next_page(p))
			return 0;
	} while (p->mapped % p->stack_pages);
	return p->base + ((p->mapped / p->stack_pages - 1) * p->slot_pages + 1) * PAGE_SIZE;
}

uint64_t kstack_alloc(void)
{
	uint64_t flags = spin_lock_irqsave(&stacks_lock), top = free_kstacks;

	if (top) {
		free_kstacks = ((uint64_t *)top)[-1];
	} else {
		top = new_slot(&kstacks);
		if (top)
			top += KSTACK_PAGES * PAGE_SIZE;
	}
	spin_unlock_irqrestore(&stacks_lock, flags);
	return top;
}

void kstack_free(uint64_t top)
{
	uint64_t flags = spin_lock_irqsave(&stacks_lock);

	((uint64_t *)top)[-1] = free_kstacks;
	free_kstacks = top;
	spin_unlock_irqrestore(&stacks_lock, flags);
}

static struct trampoline_slot *new_trampoline(void)
{
	struct trampoline_slot *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->va = new_slot(&trampolines);
	if (!s->va) {
		kfree(s);
		return NULL;
	}
	s->pa = trampolines.last_pa;
	return s;
}

int trampoline_alloc(struct trampoline *t, uint32_t pid)
{
	uint64_t flags = spin_lock_irqsave(&stacks_lock);
	struct trampoline_slot *s = free_trampolines;

	if (s)
		free_trampolines = s->next;
	else
		s = new_trampoline();
	spin_unlock_irqrestore(&stacks_lock, flags);
	if (!s)
		return -ENOMEM;
	if (s->last_pid && s->last_pid != pid)
		page_zero((void *)s->va);
	s->last_pid = pid;
	*t = (struct trampoline){ .va = s->va, .pa = s->pa, .slot = s };
	return 0;
}

void trampoline_free(const struct trampoline *t)
{
	uint64_t flags = spin_lock_irqsave(&stacks_lock);

	t->slot->next = free_trampolines;
	free_trampolines = t->slot;
	spin_unlock_irqrestore(&stacks_lock, flags);
}

/* Is @va in one of @p's slots, but not on its stack? */
static bool pool_guard(const struct pool *p, uint64_t va)
{
	uint64_t page = (va - p->base) / PAGE_SIZE, in_slot = page % p->slot_pages;

	return va >= p->base && page < p->mapped / p->stack_pages * p->slot_pages &&
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
