/* SPDX-License-Identifier: MIT */
/*
 * frames.c - the physical frame allocator: two bits a frame.
 *
 * `free_map` says which frames are free, `owned_map` which ones the allocator
 * ever had, so that freeing a frame twice and freeing a stranger's are told
 * apart.  Single frames are taken at a hint that only moves forward, round and
 * round: the word under it nearly always has a free bit.  Where it has none, two summaries
 * tell which words have a free pair, and which have single frames only, so that no search is long
 * on any machine.  What they say of the word under the hint may be old: it is put right first.
 *
 * Single frames come from words without a pair as long as there are any.  So a program
 * that keeps every second frame it gets spoils no more words than its limit has frames
 * for: with half of memory free, others still find pairs.
 */
#include "mm/frames.h"
#include "kernel/console/panic.h"
#include "kernel/lib/probe.h"
#include "kernel/sync/spinlock.h"
#include "mm/physmap.h"
#include "mm/summary.h"

#define EARLY_LIMIT	0x100000000ul	/* what the boot code's identity map reaches */
#define LOW_LIMIT	0x100000ul	/* firmware's and the boot code's: not ours */
#define ORDERS		2		/* single frames and aligned pairs */

static struct spinlock frame_lock;
/* The bitmaps, by physical address: how they are reached changes during boot. */
static uint64_t free_pa, owned_pa;
static uint64_t words;			/* in each */
static struct summary summaries[ORDERS];	/* by the largest order of which a word of
						 * free_map has a free one */
static uint64_t place;			/* word where the next search starts */
static uint64_t hint;	/* the same; or words, where nothing is free: frame_alloc() has to search */
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

static void mark_word(uint64_t w, uint64_t bits, bool owned)
{
	uint64_t *maps[2] = { free_map(), owned_map() };

	for (int m = 0; m < 2; m++)
		maps[m][w] = owned ? maps[m][w] | bits : maps[m][w] & ~bits;
}

/* Set or clear the bits of frames [first, last) in both maps. */
static void mark(uint64_t first, uint64_t last, bool owned)
{
	uint64_t next;

	if (last > words * 64)
		last = words * 64;
	for (uint64_t f = first; f < last; f = next) {
		uint64_t bits = ~0ul << f % 64;

		next = (f / 64 + 1) * 64;
		if (next > last)
			bits &= ~0ul >> (next - last);
		mark_word(f / 64, bits, owned);
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
static unsigned count_bits(uint64_t v)
{
	v -= v >> 1 & 0x5555555555555555;
	v = (v & 0x3333333333333333) + (v >> 2 & 0x3333333333333333);
	return ((v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101 >> 56;
}

/* Bits of @word that begin a free, aligned run of 2^order. */
static uint64_t run_starts(uint64_t word, unsigned order)
{
	return order ? word & word >> 1 & 0x5555555555555555 : word;
}

/* Let the summaries say what word @w is. */
static void summarise(uint64_t w)
{
	uint64_t word = free_map()[w];
	bool pair = run_starts(word, 1);

	summary_put(&summaries[0], w, word && !pair);
	summary_put(&summaries[1], w, pair);
}

/* Place the bitmaps and the summaries, and empty them. Returns the end. */
static uint64_t make_bitmaps(const struct map *m)
{
	uint64_t bytes, at;

	words = round_up(ram_end / PAGE_SIZE, 64) / 64;
	bytes = round_up((2 * words + 1 + ORDERS * summary_words(words)) * 8, PAGE_SIZE);
	free_pa = find_room(m, bytes);
	if (!words || !free_pa)
		panic("memory map: no room below 4 GiB for 0x%lx bytes of bitmaps", bytes);
	zero_words(free_map(), bytes / 8);
	owned_pa = free_pa + (words + 1) * 8;
	at = owned_pa + words * 8;
	for (unsigned order = 0; order < ORDERS; order++) {
		summary_init(&summaries[order], at, words);
		at += summary_words(words) * 8;
	}
	return free_pa + bytes;
}

void frames_init(const struct mem_range *mem, size_t count,
		 const struct mem_range *reserved, size_t reserved_count)
{
	const struct map m = { mem, reserved, count, reserved_count };
	uint64_t bitmaps_end;

	find_ram_end(&m);
	bitmaps_end = make_bitmaps(&m);
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
	mark(free_pa / PAGE_SIZE, bitmaps_end / PAGE_SIZE, false);

	place = hint = used = total = 0;
	for (uint64_t i = 0; i < words; i++) {
		total += count_bits(owned_map()[i]);
		summarise(i);
	}
}

/* The next word, round the map from the last place, that has a free one of @order, and if possible
 * of no larger. */
static uint64_t find_word(unsigned order)
{
	uint64_t w = SUMMARY_NONE;

	for (; order < ORDERS && w == SUMMARY_NONE; order++) {
		w = summary_next(&summaries[order], place);
		if (w == SUMMARY_NONE)
			w = summary_next(&summaries[order], 0);
	}
	return w;
}

/* Search round the map from the last place, which single frames move. Frame number, or 0: frame 0
 * is never ours. */
static uint64_t search(unsigned order)
{
	uint64_t *map = free_map(), w, bit;

	if (probe.allocation_fails && probe.allocation_fails())
		return 0;
	summarise(place);
	w = find_word(order);
	if (w == SUMMARY_NONE)
		return 0;
	bit = __builtin_ctzl(run_starts(map[w], order));
	map[w] &= ~((order ? 3ul : 1ul) << bit);
	if (order) {			/* the hint stays where single frames come from */
		summarise(w);
	} else {
		place = w;
		hint = probe.allocation_fails ? words : w;
	}
	return w * 64 + bit;
}

void frames_forget_hint(void)
{
	spin_lock_checked(&frame_lock);
	hint = words;			/* the next search moves it, unless allocations may fail */
	spin_unlock(&frame_lock);
}

uint64_t frame_alloc(void)
{
	uint64_t *word, frame;

	spin_lock_checked(&frame_lock);
	word = free_map() + hint;
	if (*word) {
		frame = hint * 64 + __builtin_ctzl(*word);
		*word &= *word - 1;
	} else {
		frame = search(0);
	}
	used += frame != 0;
	spin_unlock(&frame_lock);
	return frame * PAGE_SIZE;
}

uint64_t frames_alloc_order(unsigned order)
{
	uint64_t frame;

	if (order >= ORDERS)
		panic("frames_alloc_order: order %u is above %u", order, ORDERS - 1);
	spin_lock_checked(&frame_lock);
	frame = search(order);
	if (frame)
		used += 1ul << order;
	spin_unlock(&frame_lock);
	return frame * PAGE_SIZE;
}

uint64_t frame_alloc_zeroed(void)
{
	uint64_t pa = frame_alloc();

	if (pa)
		page_zero(phys_to_virt(pa));
	return pa;
}

/* Word @w, which was @old, has got the frame @bit back. */
static void summarise_freed(uint64_t w, uint64_t old, uint64_t bit)
{
	uint64_t other = bit & 0x5555555555555555 ? bit << 1 : bit >> 1;

	if (!old)
		summary_put(&summaries[0], w, true);
	if (old & other) {
		summary_put(&summaries[0], w, false);
		summary_put(&summaries[1], w, true);
	}
}

void frame_free(uint64_t pa)
{
	uint64_t w = pa / PAGE_SIZE / 64, bit = 1ul << pa / PAGE_SIZE % 64, old;

	spin_lock_checked(&frame_lock);
	if (pa % PAGE_SIZE || w >= words || !(owned_map()[w] & bit))
		panic("frame 0x%lx freed, but it was never the allocator's", pa);
	old = free_map()[w];
	if (old & bit)
		panic("frame 0x%lx freed twice", pa);
	free_map()[w] = old | bit;
	summarise_freed(w, old, bit);
	used--;
	spin_unlock(&frame_lock);
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

bool frame_mark(uint64_t pa, bool free)
{
	uint64_t w = pa / PAGE_SIZE / 64, bit = 1ul << pa / PAGE_SIZE % 64;

	if (w >= words || !(owned_map()[w] & bit) || !(free_map()[w] & bit) != free)
		return false;
	free_map()[w] ^= bit;
	return true;
}

bool frames_agree(void)
{
	uint64_t n = 0, wrong = 0;

	for (uint64_t w = 0; w < words; w++) {
		n += count_bits(owned_map()[w] & ~free_map()[w]);
		wrong |= free_map()[w] & ~owned_map()[w];
		wrong |= w != place &&
			 (summary_next(&summaries[1], w) == w) != !!run_starts(free_map()[w], 1);
	}
	return !wrong && n == used;
}
