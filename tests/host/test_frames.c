/* SPDX-License-Identifier: MIT */
/* test_frames.c - the frame allocator over memory maps that firmware could have written. */
/* sources: mm/frames.c */
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
	/* all but the first MiB and two pages of bitmap (4096 frames are 512 bytes each) */
	assert_int_equal(frames_total(), (PHYS_BYTES - MIB) / PAGE_SIZE - 2);
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
	assert_never_handed_out(12 * MIB, PHYS_BYTES - 12 * MIB);	/* its last frame is half usable */
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
	EXPECT_PANIC(frames_alloc_order(10), "order");
}

static void orders_are_aligned_and_disjoint(void **state)
{
	(void)state;
	for (unsigned order = 0; order <= 9; order++) {
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

/* A random mix against a plain list of what is out. */
static void random_mix(void **state)
{
	static uint64_t out[3000];
	static unsigned orders[3000];
	uint64_t seed = 88172645463325252ul, n = 0, frames = 0;

	(void)state;
	frames_init(plain, 1, NULL, 0);
	for (int i = 0; i < 20000; i++) {
		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		if (seed % 5 < 3 && n < 3000) {
			unsigned order = seed / 7 % 4;
			uint64_t pa = frames_alloc_order(order);

			if (pa) {
				out[n] = pa;
				orders[n++] = order;
				frames += 1u << order;
			}
		} else if (n) {
			uint64_t k = seed / 11 % n--;

			frames_free_order(out[k], orders[k]);
			frames -= 1u << orders[k];
			out[k] = out[n];
			orders[k] = orders[n];
		}
		assert_int_equal(frames_used(), frames);
	}
	while (n--)
		frames_free_order(out[n], orders[n]);
	drain();
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
		cmocka_unit_test(random_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
