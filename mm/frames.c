/* SPDX-License-Identifier: MIT */
/*
 * frames.c - the physical frame allocator: two bits a frame.
 *
 * `free_map` says which frames are free, `owned_map` which ones the allocator
 * ever had, so that freeing a frame twice and freeing a stranger's are told
 * apart.  Single frames are taken at a hint that only moves forward, round and
 * round: the word under it nearly always has a free bit.
 */
#include "mm/frames.h"
#include "kernel/panic.h"
#include "kernel/spinlock.h"
#include "mm/failing.h"
#include "mm/pagetable.h"

#define EARLY_LIMIT	0x100000000ul	/* what the boot code's identity map reaches */
#define LOW_LIMIT	0x100000ul	/* firmware's and the boot code's: not ours */
#define MAX_ORDER	9

static struct spinlock frame_lock;
/* The bitmaps, by physical address: how they are reached changes during boot. */
static uint64_t free_pa, owned_pa;
static uint64_t words;			/* in each */
static uint64_t hint;			/* word where the next search starts */
static uint64_t used, total;
static uint64_t ram_end, low_ram_end;	/* the second: of the RAM below 4 GiB */

static uint64_t *free_map(void) { return phys_to_virt(free_pa); }
static uint64_t *owned_map(void) { return phys_to_virt(owned_pa); }

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return v > -to ? -to : (v + to - 1) & -to;
}

/* What the firmware says and what the boot occupies. */
struct map {
	const struct mem_range *mem, *reserved;
	size_t count, reserved_count;
};

/* End of @r, cut off where the address would wrap. */
static uint64_t range_end(const struct mem_range *r)
{
	return r->len > ~0ul - r->base ? ~0ul : r->base + r->len;
}

/* Set or clear the bits of frames [first, last) in both maps. */
static void mark(uint64_t first, uint64_t last, bool owned)
{
	uint64_t *maps[2] = { free_map(), owned_map() };

	if (last > words * 64)
		last = words * 64;
	for (uint64_t f = first; f < last; f++) {
		for (int m = 0; m < 2; m++) {
			if (owned)
				maps[m][f / 64] |= 1ul << f % 64;
			else
				maps[m][f / 64] &= ~(1ul << f % 64);
		}
	}
}

/* Everything that @r touches is lost, so a bad range is rounded outwards. */
static void exclude(const struct mem_range *r)
{
	if (r->len)
		mark(r->base / PAGE_SIZE, round_up(range_end(r), PAGE_SIZE) / PAGE_SIZE, false);
}

/* The end of a bad range that touches [from, to), or 0. */
static uint64_t blocker(const struct map *m, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < m->count + m->reserved_count; i++) {
		const struct mem_range *r = i < m->count ? &m->mem[i] : &m->reserved[i - m->count];

		if ((i >= m->count || !r->usable) && r->len && r->base < to && range_end(r) > from)
			return range_end(r);
	}
	return 0;
}

/* A place for @size bytes that is usable as a whole, reserved nowhere and reachable early, or 0. */
static uint64_t find_room(const struct map *m, uint64_t size)
{
	for (const struct mem_range *r = m->mem; r < m->mem + m->count; r++) {
		uint64_t at = round_up(r->base > LOW_LIMIT ? r->base : LOW_LIMIT, PAGE_SIZE), next;
		uint64_t end = range_end(r) < EARLY_LIMIT ? range_end(r) : EARLY_LIMIT;

		while (r->usable && at < end && end - at >= size) {
			next = blocker(m, at, at + size);
			if (!next)
				return at;
			at = round_up(next, PAGE_SIZE);
		}
	}
	return 0;
}

static void find_ram_end(const struct map *m)
{
	ram_end = low_ram_end = 0;
	for (const struct mem_range *r = m->mem; r < m->mem + m->count; r++) {
		uint64_t end = range_end(r) & -(uint64_t)PAGE_SIZE;

		if (r->usable && end > ram_end)
			ram_end = end;
		if (r->usable && r->base < EARLY_LIMIT && end > low_ram_end)
			low_ram_end = end < EARLY_LIMIT ? end : EARLY_LIMIT;
	}
	if (ram_end > DIRECT_MAP_SIZE)
		ram_end = DIRECT_MAP_SIZE;
}

/* By hand: POPCNT is not in every x86-64 processor, and the compiler would call its library. */
static unsigned count_bits(uint64_t word)
{
	unsigned n = 0;

	for (; word; word &= word - 1)
		n++;
	return n;
}

/* Place the two bitmaps and empty them. */
static void make_bitmaps(const struct map *m)
{
	uint64_t bytes;

	words = round_up(ram_end / PAGE_SIZE, 64) / 64;
	bytes = round_up((words + 1) * 8, PAGE_SIZE);	/* the last one stays 0: nothing is free there */
	free_pa = find_room(m, 2 * bytes);
	if (!words || !free_pa)
		panic("memory map: no room below 4 GiB for 0x%lx bytes of bitmaps", 2 * bytes);
	owned_pa = free_pa + bytes;
	zero_words(free_map(), 2 * bytes / 8);
}

void frames_init(const struct mem_range *mem, size_t count,
		 const struct mem_range *reserved, size_t reserved_count)
{
	const struct map m = { mem, reserved, count, reserved_count };

	find_ram_end(&m);
	make_bitmaps(&m);
	for (size_t i = 0; i < count; i++)	/* usable ranges are rounded inwards */
		if (mem[i].usable)
			mark(round_up(mem[i].base, PAGE_SIZE) / PAGE_SIZE,
			     range_end(&mem[i]) / PAGE_SIZE, true);
	for (size_t i = 0; i < count; i++)	/* then the others win */
		if (!mem[i].usable)
			exclude(&mem[i]);
	for (size_t i = 0; i < reserved_count; i++)
		exclude(&reserved[i]);
	mark(0, LOW_LIMIT / PAGE_SIZE, false);
	mark(free_pa / PAGE_SIZE, (owned_pa + (owned_pa - free_pa)) / PAGE_SIZE, false);

	hint = used = total = 0;
	for (uint64_t i = 0; i < words; i++)
		total += count_bits(owned_map()[i]);
}

/* Bits of @word that begin a free, aligned run of 2^order (order < 6). */
static uint64_t run_starts(uint64_t word, unsigned order)
{
	static const uint64_t aligned[] = {
		~0ul, 0x5555555555555555, 0x1111111111111111, 0x0101010101010101,
		0x0001000100010001, 0x0000000100000001,
	};

	for (unsigned i = 0; i < order; i++)
		word &= word >> (1u << i);
	return word & aligned[order];
}

/* Take an aligned run that lies in one word. Frame number, or 0. */
static uint64_t take_in_word(uint64_t *map, uint64_t w, unsigned order)
{
	uint64_t starts = run_starts(map[w], order);

	if (!starts)
		return 0;
	unsigned bit = __builtin_ctzl(starts);

	map[w] &= ~(((1ul << (1u << order)) - 1) << bit);
	return w * 64 + bit;
}

/* Take @n whole words, @w being a multiple of @n. Frame number, or 0. */
static uint64_t take_words(uint64_t *map, uint64_t w, uint64_t n)
{
	if (w + n > words)
		return 0;
	for (uint64_t i = 0; i < n; i++)
		if (~map[w + i])
			return 0;
	for (uint64_t i = 0; i < n; i++)
		map[w + i] = 0;
	return w * 64;
}

/* Round the map from the hint. Frame number, or 0: frame 0 is never ours. */
static uint64_t search_map(unsigned order)
{
	uint64_t step = order > 6 ? 1ul << (order - 6) : 1;
	uint64_t *map = free_map(), w = hint & -step, frame;

	for (uint64_t tried = 0; tried < words + step; tried += step, w += step) {
		if (w >= words)
			w = 0;
		frame = order < 6 ? take_in_word(map, w, order) : take_words(map, w, step);
		if (frame) {
			hint = w;
			return frame;
		}
	}
	return 0;
}

/* The hint is where nothing is free: so the fast way needs no test. */
static void watch_failing(void)
{
	if (failing_armed())
		hint = words;
	else if (hint == words)
		hint = 0;
}

/* The slow way: as search_map(), unless it is to fail. */
static uint64_t search(unsigned order)
{
	uint64_t frame = allocation_fails() ? 0 : search_map(order);

	watch_failing();
	return frame;
}

void frames_watch_failing(void)
{
	uint64_t flags = spin_lock_irqsave(&frame_lock);

	watch_failing();
	spin_unlock_irqrestore(&frame_lock, flags);
}

uint64_t frame_alloc(void)
{
	uint64_t flags = spin_lock_irqsave(&frame_lock);
	uint64_t *word = free_map() + hint, frame;

	if (*word) {
		frame = hint * 64 + __builtin_ctzl(*word);
		*word &= *word - 1;
	} else {
		frame = search(0);
	}
	used += frame != 0;
	spin_unlock_irqrestore(&frame_lock, flags);
	return frame * PAGE_SIZE;
}

uint64_t frames_alloc_order(unsigned order)
{
	uint64_t flags, frame;

	if (order > MAX_ORDER)
		panic("frames_alloc_order: order %u is above %u", order, MAX_ORDER);
	flags = spin_lock_irqsave(&frame_lock);
	frame = search(order);
	if (frame)
		used += 1ul << order;
	spin_unlock_irqrestore(&frame_lock, flags);
	return frame * PAGE_SIZE;
}

uint64_t frame_alloc_zeroed(void)
{
	uint64_t pa = frame_alloc();

	if (pa)
		page_zero(phys_to_virt(pa));
	return pa;
}

void frame_free(uint64_t pa)
{
	uint64_t frame = pa / PAGE_SIZE, bit = 1ul << frame % 64;
	uint64_t flags = spin_lock_irqsave(&frame_lock);

	if (pa % PAGE_SIZE || frame / 64 >= words || !(owned_map()[frame / 64] & bit))
		panic("frame 0x%lx freed, but it was never the allocator's", pa);
	if (free_map()[frame / 64] & bit)
		panic("frame 0x%lx freed twice", pa);
	free_map()[frame / 64] |= bit;
	used--;
	spin_unlock_irqrestore(&frame_lock, flags);
}

void frames_free_order(uint64_t pa, unsigned order)
{
	for (uint64_t i = 0; i < 1ul << order; i++)
		frame_free(pa + i * PAGE_SIZE);
}

uint64_t frames_used(void) { return used; }
uint64_t frames_total(void) { return total; }
uint64_t frames_ram_end(void) { return ram_end; }

bool frames_is_ram(uint64_t pa)
{
	return pa < low_ram_end || (pa >= EARLY_LIMIT && pa < ram_end);
}
