/* SPDX-License-Identifier: MIT */
/*
 * heap.c - kzalloc: one size class per power of two, from 32 bytes to 1 MiB.
 *
 * A block serves one class: a page cut into equal objects, or above a page one
 * run of pages.  What is free in it is a bitmap in a descriptor per page at the
 * start of the heap area, so an overrun meets another object, not the books.
 * A block stays with its class until memory is short: then heap_shrink() takes
 * the frame of one that is a page and wholly free, and leaves it bare.
 */
#include "mm/heap.h"
#include "kernel/console/panic.h"
#include "kernel/lib/probe.h"
#include "kernel/sync/spinlock.h"
#include "mm/frames.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "mm/tlb.h"

#define MIN_SHIFT	5
#define MAX_SHIFT	20
#define MAX_PAGES	0x40000ul	/* 1 GiB of objects */

#define LOOK_BLOCKS	96		/* that one step of heap_shrink() looks at */
#define SHRINK_BLOCKS	8		/* and takes the frames from */

/* Blocks are named by their number and 1; 0 is none. */
struct block {
	uint64_t free[2];		/* a bit per object; 128 objects at most */
	uint32_t next, prev;	/* of its class, with something free; next also of the bare ones */
	uint8_t shift;	/* log2 of the object size; 0: no block begins here, or a bare one */
};

_Static_assert(PAGE_SIZE % sizeof(struct block) == 0, "descriptors fill their pages");
_Static_assert(PAGE_SIZE >> MIN_SHIFT <= 128, "the bitmap covers a page of the smallest class");

#define BLOCKS		((struct block *)HEAP_AREA_BASE)
#define OBJECTS		(HEAP_AREA_BASE + MAX_PAGES * sizeof(struct block))
#define BLOCKS_PER_PAGE	(PAGE_SIZE / sizeof(struct block))

static struct spinlock heap_lock;
static uint32_t partial[MAX_SHIFT + 1];	/* the first block of each class with something free */
static uint32_t bare;			/* the first page without a frame */
static uint64_t pages_used, pages_mapped;
static uint64_t descriptors_mapped;	/* pages whose descriptor exists */
static uint64_t look_at, looked;	/* heap_shrink()'s place, and how many it passed in vain */

static struct block *block_of(uint32_t name)
{
	return &BLOCKS[name - 1];
}

static uint32_t name_of(const struct block *b)
{
	return b - BLOCKS + 1;
}

static uint64_t page_va(const struct block *b)
{
	return OBJECTS + (uint64_t)(b - BLOCKS) * PAGE_SIZE;
}

static void put_first(struct block *b)
{
	b->prev = 0;
	b->next = partial[b->shift];
	if (b->next)
		block_of(b->next)->prev = name_of(b);
	partial[b->shift] = name_of(b);
}

static void take_out(const struct block *b)
{
	if (b->next)
		block_of(b->next)->prev = b->prev;
	if (b->prev)
		block_of(b->prev)->next = b->next;
	else
		partial[b->shift] = b->next;
}

static bool map_zeroed(uint64_t va)
{
	return kspace_map_new(va, PTE_W | PTE_NX, DESIGNS_NONE);
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

static uint64_t all_objects(unsigned shift, uint64_t pages, unsigned word)
{
	uint64_t objects = pages * PAGE_SIZE >> shift;

	if (objects >= 64 * (word + 1))
		return ~0ul;
	return word ? 0 : (1ul << objects) - 1;
}

/* The bare page that became so last, with a frame again, or NULL. */
static struct block *fill_bare(void)
{
	struct block *b = block_of(bare);

	if (!map_zeroed(page_va(b)))
		return NULL;
	bare = b->next;
	return b;
}

/* So many pages at the end of what is used, or NULL. */
static struct block *add_pages(uint64_t pages)
{
	struct block *b = &BLOCKS[pages_used];

	if (!map_up_to(pages_used + pages))
		return NULL;
	pages_used += pages;
	return b;
}

/* A new block for @shift, all free. */
static bool grow(unsigned shift)
{
	uint64_t pages = shift > PAGE_SHIFT ? 1ul << (shift - PAGE_SHIFT) : 1;
	struct block *b = pages == 1 && bare ? fill_bare() : add_pages(pages);

	if (!b)
		return false;
	b->shift = shift;
	for (unsigned word = 0; word < 2; word++)
		b->free[word] = all_objects(shift, pages, word);
	put_first(b);
	return true;
}

/* Take an object out of the class's first block, which leaves the list when it was the last. */
static uint64_t take(unsigned shift)
{
	struct block *b = block_of(partial[shift]);
	unsigned word = !b->free[0], bit = __builtin_ctzl(b->free[word]);

	b->free[word] &= b->free[word] - 1;
	if (!(b->free[0] | b->free[1]))
		take_out(b);
	return page_va(b) + ((uint64_t)(word * 64 + bit) << shift);
}

void *kzalloc(size_t size)
{
	unsigned shift = size <= 1ul << MIN_SHIFT ? MIN_SHIFT : 64 - __builtin_clzl(size - 1);
	void *object = NULL;

	if (shift > MAX_SHIFT || (probe.allocation_fails && probe.allocation_fails()))
		return NULL;
	spin_lock_checked(&heap_lock);
	if (partial[shift] || grow(shift))
		object = (void *)take(shift);
	spin_unlock(&heap_lock);
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

	if (!p)
		return;
	spin_lock_checked(&heap_lock);
	b = find_object((uint64_t)p, &bit);
	if (!(b->free[0] | b->free[1]))
		put_first(b);
	b->free[bit / 64] |= 1ul << bit % 64;
	spin_unlock(&heap_lock);
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
	uint64_t n = 0;

	spin_lock_checked(&heap_lock);
	for (uint64_t page = 0; page < pages_used; page++)
		if (BLOCKS[page].shift)
			n += block_objects(&BLOCKS[page]);
	spin_unlock(&heap_lock);
	return n;
}

/* --- giving frames back -------------------------------------------------------- */

static bool is_wholly_free(const struct block *b)
{
	return b->shift && b->shift <= PAGE_SHIFT && b->free[0] == all_objects(b->shift, 1, 0) &&
	       b->free[1] == all_objects(b->shift, 1, 1);
}

/* Take a few blocks that are wholly free out of their lists. */
static unsigned take_free_blocks(struct block **taken)
{
	unsigned n = 0;

	spin_lock_checked(&heap_lock);
	for (unsigned i = 0; i < LOOK_BLOCKS && looked < pages_used && n < SHRINK_BLOCKS;
	     i++, looked++) {
		struct block *b = &BLOCKS[look_at];

		look_at = look_at + 1 < pages_used ? look_at + 1 : 0;
		if (is_wholly_free(b)) {
			take_out(b);
			b->shift = 0;
			taken[n++] = b;
		}
	}
	if (n)
		looked = 0;
	spin_unlock(&heap_lock);
	return n;
}

static void add_bare(struct block **taken, unsigned n)
{
	spin_lock_checked(&heap_lock);
	while (n--) {
		taken[n]->next = bare;
		bare = name_of(taken[n]);
	}
	spin_unlock(&heap_lock);
}

/* Has a whole round found nothing? The next call begins a new one. */
static bool looked_everywhere(void)
{
	bool all;

	spin_lock_checked(&heap_lock);
	all = looked >= pages_used;
	if (all)
		looked = 0;
	spin_unlock(&heap_lock);
	return all;
}

/*
 * All CPUs are waited for twice.  The first time so that nobody looks at these objects any more:
 * with interrupts off one may read an object, as a hint, that was freed meanwhile (notice_ready()
 * in kernel/sched/sched.c).
 */
bool heap_shrink(void)
{
	struct block *taken[SHRINK_BLOCKS];
	uint64_t frame[SHRINK_BLOCKS];
	unsigned n = take_free_blocks(taken);

	if (!n)
		return !looked_everywhere();
	tlb_flush_kernel_half();
	for (unsigned i = 0; i < n; i++)
		frame[i] = kspace_unmap(page_va(taken[i])) & PTE_ADDR;
	tlb_flush_kernel_half();
	for (unsigned i = 0; i < n; i++)
		frame_free(frame[i]);
	add_bare(taken, n);
	return true;
}

bool heap_holds(const void *object, size_t size)
{
	uint64_t offset = (uint64_t)object - OBJECTS, bit;
	const struct block *b = &BLOCKS[offset / PAGE_SIZE];

	if ((uint64_t)object < OBJECTS || offset / PAGE_SIZE >= pages_used || !b->shift ||
	    1ul << b->shift < size)
		return false;
	bit = offset % PAGE_SIZE >> b->shift;
	return !(offset % PAGE_SIZE & ((1ul << b->shift) - 1)) &&
	       !(b->free[bit / 64] >> bit % 64 & 1);
}

/* The blocks of a class that have something free. */
static uint64_t check_class(unsigned shift, const char **wrong)
{
	uint64_t n = 0;
	uint32_t before = 0;

	for (uint32_t name = partial[shift]; name && n <= pages_used;
	     name = block_of(name)->next, n++) {
		const struct block *b = block_of(name);

		if (name > pages_used || b->shift != shift || !(b->free[0] | b->free[1]) ||
		    b->prev != before)
			*wrong = "a class of the heap lists a block that is not its own, or full";
		before = name;
	}
	return n;
}

const char *heap_check(void)
{
	const char *wrong = NULL;
	uint64_t listed = 0, n = 0;

	for (unsigned shift = MIN_SHIFT; shift <= MAX_SHIFT && !wrong; shift++)
		listed += check_class(shift, &wrong);
	for (uint64_t page = 0; page < pages_used; page++)
		n += BLOCKS[page].shift && (BLOCKS[page].free[0] | BLOCKS[page].free[1]);
	return wrong || n == listed ? wrong : "a block of the heap with free objects is in no list";
}
