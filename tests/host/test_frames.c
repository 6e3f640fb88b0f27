/* SPDX-License-Identifier: MIT */
/* test_frames.c - the frame allocator over memory maps that firmware could have written. */
/* sources: mm/frames.c mm/summary.c kernel/lib/probe.c */
#include <string.h>
#include "tests/host/physmem.h"
#include "mm/frames.h"

#define MIB 0x100000ul

static const struct mem_range plain[] = { { 0, PHYS_BYTES, true } };

static bool seen[PHYS_BYTES / PAGE_SIZE];

static bool touches(uint64_t pa, uint64_t base, uint64_t len)
{
	return pa < base + len && pa + PAGE_SIZE > base;
}

/* Take every frame there is: each once, none below 1 MiB, as many as the allocator said. */
static void drain(void)
{
	uint64_t pa, n = 0;

	memset(seen, 0, sizeof(seen));
	while ((pa = frame_alloc())) {
		assert_true(pa >= MIB && pa % PAGE_SIZE == 0 && pa + PAGE_SIZE <= PHYS_BYTES);
		assert_false(seen[pa / PAGE_SIZE]);
		seen[pa / PAGE_SIZE] = true;
		n++;
	}
	assert_int_equal(n, frames_total());
	assert_int_equal(n, frames_used());
}

static void assert_never_handed_out(uint64_t base, uint64_t len)
{
	for (uint64_t pa = 0; pa < PHYS_BYTES; pa += PAGE_SIZE)
		if (seen[pa / PAGE_SIZE])
			assert_false(touches(pa, base, len));
}

static void plain_map(void **state)
{
	(void)state;
	frames_init(plain, 1, NULL, 0);
	drain();
	/* all but the first MiB and a page of bitmaps (4096 frames are 512 bytes each) */
	assert_int_equal(frames_total(), (PHYS_BYTES - MIB) / PAGE_SIZE - 1);
	assert_int_equal(frames_ram_end(), PHYS_BYTES);
}

static void odd_unsorted_overlapping(void **state)
{
	static const struct mem_range mem[] = {
		{ 8 * MIB + 123, 4 * MIB, true },	/* odd edges: rounded inwards */
		{ 9 * MIB + 1, 1, false },		/* one reserved byte costs its frame */
		{ 2 * MIB, 7 * MIB, true },		/* overlaps the first */
		{ 3 * MIB + 0x800, 0x1000, false },	/* straddles two frames */
		{ 0, 0xa0000, true },
		{ 5 * MIB, 0, false },			/* empty */
		{ 0xf0000, 0x10000, false },
	};
	static const struct mem_range reserved[] = {
		{ 2 * MIB, MIB / 2 + 5, false },
		{ 11 * MIB, 100, true },		/* reserved whatever it says */
	};

	(void)state;
	frames_init(mem, 7, reserved, 2);
	drain();
	assert_never_handed_out(9 * MIB + 1, 1);
	assert_never_handed_out(3 * MIB + 0x800, 0x1000);
	assert_never_handed_out(2 * MIB, MIB / 2 + 5);
	assert_never_handed_out(11 * MIB, 100);
	/* its last frame is half usable */
	assert_never_handed_out(12 * MIB, PHYS_BYTES - 12 * MIB);
	assert_false(seen[3 * MIB / PAGE_SIZE + 1]);
	assert_true(seen[3 * MIB / PAGE_SIZE + 2]);
	assert_true(seen[8 * MIB / PAGE_SIZE]);		/* whole in the second range */
	assert_int_equal(frames_ram_end(), 12 * MIB);
}

static void ranges_at_the_end_of_the_address_space(void **state)
{
	static const struct mem_range mem[] = {
		{ 0, PHYS_BYTES, true },
		{ ~0ul - 100, 5000, false },		/* wraps */
		{ 15 * MIB, ~0ul, false },		/* longer than what is left */
		{ PHYS_BYTES / 2, 0, true },
	};

	(void)state;
	frames_init(mem, 4, NULL, 0);
	drain();
	assert_never_handed_out(15 * MIB, MIB);
	assert_true(seen[15 * MIB / PAGE_SIZE - 1]);
}

static void no_room(void **state)
{
	static const struct mem_range low[] = { { 0, MIB, true } };
	static const struct mem_range all = { 0, PHYS_BYTES, false };

	(void)state;
	EXPECT_PANIC(frames_init(low, 1, NULL, 0), "memory map");
	EXPECT_PANIC(frames_init(plain, 0, NULL, 0), "memory map");
	EXPECT_PANIC(frames_init(plain, 1, &all, 1), "memory map");
}

static void free_and_take_again(void **state)
{
	uint64_t total;

	(void)state;
	frames_init(plain, 1, NULL, 0);
	drain();
	total = frames_total();
	frame_free(5 * MIB);
	assert_int_equal(frames_used(), total - 1);
	assert_int_equal(frame_alloc(), 5 * MIB);
	assert_int_equal(frame_alloc(), 0);
	memset(phys + 6 * MIB, 0xa5, PAGE_SIZE);
	frame_free(6 * MIB);
	assert_int_equal(frame_alloc_zeroed(), 6 * MIB);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(phys[6 * MIB + i], 0);
}

static void wrong_frees_panic_by_name(void **state)
{
	uint64_t pa;

	(void)state;
	frames_init(plain, 1, NULL, 0);
	pa = frame_alloc();
	frame_free(pa);
	EXPECT_PANIC(frame_free(pa), "freed twice");
	frames_init(plain, 1, NULL, 0);
	EXPECT_PANIC(frame_free(0), "never the allocator's");
	EXPECT_PANIC(frame_free(MIB / 2), "never the allocator's");
	EXPECT_PANIC(frame_free(PHYS_BYTES), "never the allocator's");
	EXPECT_PANIC(frame_free(1ul << 60), "never the allocator's");
	EXPECT_PANIC(frame_free(5 * MIB + 8), "never the allocator's");
	EXPECT_PANIC(frames_alloc_order(2), "order");
}

static void orders_are_aligned_and_disjoint(void **state)
{
	(void)state;
	for (unsigned order = 0; order <= 1; order++) {
		uint64_t size = PAGE_SIZE << order, pa, n = 0, first = 0;

		frames_init(plain, 1, NULL, 0);
		memset(seen, 0, sizeof(seen));
		frame_alloc();			/* an odd place to begin at */
		while ((pa = frames_alloc_order(order))) {
			assert_int_equal(pa % size, 0);
			for (uint64_t p = pa; p < pa + size; p += PAGE_SIZE) {
				assert_false(seen[p / PAGE_SIZE]);
				seen[p / PAGE_SIZE] = true;
			}
			first = pa;
			n++;
		}
		assert_int_equal(frames_used(), 1 + (n << order));
		/* all but what the bitmap, the one frame and their neighbours spoil */
		assert_true((n << order) + (3ul << order) >= frames_total() - (1ul << order));
		frames_free_order(first, order);
		assert_int_equal(frames_alloc_order(order), first);
	}
}

/* --- against a plain list of what is out ------------------------------------------------------ */

#define FRAMES (PHYS_BYTES / PAGE_SIZE)

static uint64_t out[FRAMES];		/* what was handed out, */
static unsigned orders[FRAMES];		/* and by which order */
static uint64_t out_count, frames_out;

/* Is there anything of @order that nobody has? */
static bool anything_free(unsigned order, const bool *ours)
{
	for (uint64_t f = 0; f < FRAMES; f += 1u << order)
		if (ours[f] && !seen[f] && (!order || (ours[f + 1] && !seen[f + 1])))
			return true;
	return false;
}

static void set_seen(uint64_t pa, unsigned order, bool value)
{
	for (uint64_t p = pa; p < pa + (PAGE_SIZE << order); p += PAGE_SIZE) {
		assert_int_equal(seen[p / PAGE_SIZE], !value);
		seen[p / PAGE_SIZE] = value;
	}
}

static void take_one(unsigned order, const bool *ours)
{
	uint64_t pa = order ? frames_alloc_order(order) : frame_alloc();

	assert_int_equal(pa != 0, anything_free(order, ours));
	if (!pa)
		return;
	assert_int_equal(pa % (PAGE_SIZE << order), 0);
	set_seen(pa, order, true);
	out[out_count] = pa;
	orders[out_count++] = order;
	frames_out += 1u << order;
}

static void give_one(uint64_t k)
{
	frames_free_order(out[k], orders[k]);
	set_seen(out[k], orders[k], false);
	frames_out -= 1u << orders[k];
	out[k] = out[--out_count];
	orders[k] = orders[out_count];
}

/* By turns memory fills up and empties: whatever there is is found, and nothing else. */
static void random_mix(void **state)
{
	static bool ours[FRAMES];
	uint64_t seed = 88172645463325252ul;

	(void)state;
	frames_init(plain, 1, NULL, 0);
	drain();
	memcpy(ours, seen, sizeof(ours));
	for (uint64_t f = 0; f < FRAMES; f++)
		if (ours[f])
			frame_free(f * PAGE_SIZE);
	memset(seen, 0, sizeof(seen));
	out_count = frames_out = 0;
	for (unsigned i = 0; i < 60000; i++) {
		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		if (seed % 16 < (i / 10000 % 2 ? 6 : 11))
			take_one(seed / 16 % 4 == 0, ours);
		else if (out_count)
			give_one(seed / 64 % out_count);
		assert_int_equal(frames_used(), frames_out);
	}
	while (out_count)
		give_one(0);
	drain();
}

/* --- who scatters what he keeps --------------------------------------------------- */

static uint64_t kept;

/* Take all that one who may have @limit frames can get, a pair now and then, and give every second
 * frame back. */
static void keep_every_second(uint64_t limit)
{
	uint64_t given = 0, pa;

	while (kept + given < limit && (pa = frame_alloc())) {
		if (given % 32 == 31 && frames_alloc_order(1))
			kept += 2;
		if (pa / PAGE_SIZE % 2)
			out[given++] = pa;
		else
			kept++;
	}
	while (given)
		frame_free(out[--given]);
}

/* With less than all of memory nobody can leave others memory without a pair in it. */
static void pairs_are_left(void **state)
{
	uint64_t limit, pairs = 0;

	(void)state;
	frames_init(plain, 1, NULL, 0);
	limit = frames_total() / 4 * 3;
	kept = 0;
	for (unsigned i = 0; i < 20; i++)
		keep_every_second(limit);
	while (frames_alloc_order(1))
		pairs++;
	/* Of each word of the map that he has not had all of, one at least. */
	assert_true(pairs + 1 >= (frames_total() - limit) / 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_map),
		cmocka_unit_test(odd_unsorted_overlapping),
		cmocka_unit_test(ranges_at_the_end_of_the_address_space),
		cmocka_unit_test(no_room),
		cmocka_unit_test(free_and_take_again),
		cmocka_unit_test(wrong_frees_panic_by_name),
		cmocka_unit_test(orders_are_aligned_and_disjoint),
		cmocka_unit_test(random_mix), cmocka_unit_test(pairs_are_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
