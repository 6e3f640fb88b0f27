/* SPDX-License-Identifier: MIT */
/*
 * heap.c - kzalloc: one size class per power of two, from 32 bytes to 1 MiB.
 *
 * A block serves one class: a page cut into equal objects, or for the classes
 * above a page one run of pages.  What is free in a block is a bitmap outside
 * it, in a descriptor per page at the start of the heap area, so objects lie at
 * multiples of their size and an overrun meets another object, not the books.
 * Blocks stay with their class for ever: the kernel half is never unmapped and
 * so needs no flush.
 */
#include "mm/heap.h"
#include "kernel/panic.h"
#include "kernel/spinlock.h"
#include "mm/failing.h"
#include "mm/frames.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"

#define MIN_SHIFT	5
#define MAX_SHIFT	20
#define MAX_PAGES	0x40000ul	/* 1 GiB of objects */

struct block {
	uint64_t free[2];		/* a bit per object; 128 objects at most */
	struct block *next;		/* of this class, with something free */
	uint8_t shift;			/* log2 of the object size; 0: no block begins here */
};

_Static_assert(PAGE_SIZE % sizeof(struct block) == 0, "descriptors fill their pages");
_Static_assert(PAGE_SIZE >> MIN_SHIFT <= 128, "the bitmap covers a page of the smallest class");

#define BLOCKS		((struct block *)HEAP_AREA_BASE)
#define OBJECTS		(HEAP_AREA_BASE + MAX_PAGES * sizeof(struct block))
#define BLOCKS_PER_PAGE	(PAGE_SIZE / sizeof(struct block))

static struct spinlock heap_lock;
static struct block *partial[MAX_SHIFT + 1];
static uint64_t pages_used, pages_mapped;
static uint64_t descriptors_mapped;	/* pages whose descriptor exists */

static bool map_zeroed(uint64_t va)
{
	uint64_t pa = frame_alloc_zeroed();

	if (!pa)
		return false;
	if (kspace_map(va, pa, PTE_W | PTE_NX)) {
		frame_free(pa);
		return false;
	}
	return true;
}

/* Have the first @pages pages and their descriptors mapped. What a failed attempt mapped stays. */
static bool map_up_to(uint64_t pages)
{
	if (pages > MAX_PAGES)
		return false;
	for (; descriptors_mapped < pages; descriptors_mapped += BLOCKS_PER_PAGE)
		if (!map_zeroed((uint64_t)&BLOCKS[descriptors_mapped]))
			return false;
	for (; pages_mapped < pages; pages_mapped++)
		if (!map_zeroed(OBJECTS + pages_mapped * PAGE_SIZE))
			return false;
	return true;
}

/* A new block for @shift, all free. */
static bool grow(unsigned shift)
{
	uint64_t pages = shift > PAGE_SHIFT ? 1ul << (shift - PAGE_SHIFT) : 1;
	uint64_t objects = pages * PAGE_SIZE >> shift;
	struct block *b = &BLOCKS[pages_used];

	if (!map_up_to(pages_used + pages))
		return false;
	pages_used += pages;
	b->shift = shift;
	b->free[0] = objects >= 64 ? ~0ul : (1ul << objects) - 1;
	b->free[1] = objects >= 128 ? ~0ul : 0;
	b->next = partial[shift];
	partial[shift] = b;
	return true;
}

/* Take an object out of the class's first block, which leaves the list when it was the last. */
static uint64_t take(unsigned shift)
{
	struct block *b = partial[shift];
	unsigned word = !b->free[0], bit = __builtin_ctzl(b->free[word]);

	b->free[word] &= b->free[word] - 1;
	if (!(b->free[0] | b->free[1]))
		partial[shift] = b->next;
	return OBJECTS + (uint64_t)(b - BLOCKS) * PAGE_SIZE +
	       ((uint64_t)(word * 64 + bit) << shift);
}

void *kzalloc(size_t size)
{
	unsigned shift = size <= 1ul << MIN_SHIFT ? MIN_SHIFT : 64 - __builtin_clzl(size - 1);
	uint64_t flags;
	void *object = NULL;

	if (shift > MAX_SHIFT || allocation_fails())
		return NULL;
	flags = spin_lock_irqsave(&heap_lock);
	if (partial[shift] || grow(shift))
		object = (void *)take(shift);
	spin_unlock_irqrestore(&heap_lock, flags);
	if (object)
		zero_words(object, (size + 7) / 8);
	return object;
}

/* The live object at @va: its block and bit number. */
static struct block *find_object(uint64_t va, unsigned *bit)
{
	uint64_t offset = va - OBJECTS;
	struct block *b = &BLOCKS[offset / PAGE_SIZE];

	if (va < OBJECTS || offset / PAGE_SIZE >= pages_used || !b->shift ||
	    (offset % PAGE_SIZE) & ((1ul << b->shift) - 1))
		panic("kfree of 0x%lx, which is no heap object", va);
	*bit = offset % PAGE_SIZE >> b->shift;
	if (b->free[*bit / 64] >> *bit % 64 & 1)
		panic("kfree of 0x%lx, which is free already", va);
	return b;
}

void kfree(void *p)
{
	struct block *b;
	unsigned bit;
	uint64_t flags;

	if (!p)
		return;
	flags = spin_lock_irqsave(&heap_lock);
	b = find_object((uint64_t)p, &bit);
	if (!(b->free[0] | b->free[1])) {
		b->next = partial[b->shift];
		partial[b->shift] = b;
	}
	b->free[bit / 64] |= 1ul << bit % 64;
	spin_unlock_irqrestore(&heap_lock, flags);
}

/* The objects of @b that are in use. */
static uint64_t block_objects(const struct block *b)
{
	uint64_t n = b->shift > PAGE_SHIFT ? 1 : PAGE_SIZE >> b->shift;

	for (unsigned i = 0; i < 2; i++)
		for (uint64_t free = b->free[i]; free; free &= free - 1)
			n--;
	return n;
}

uint64_t heap_objects(void)
{
	uint64_t flags = spin_lock_irqsave(&heap_lock), n = 0;

	for (uint64_t page = 0; page < pages_used; page++)
		if (BLOCKS[page].shift)
			n += block_objects(&BLOCKS[page]);
	spin_unlock_irqrestore(&heap_lock, flags);
	return n;
}
