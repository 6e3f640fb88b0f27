/* SPDX-License-Identifier: MIT */
/* test_directmap.c - the direct map over memory maps of every kind: large pages on RAM only,
 * devices nowhere. */
/* sources: mm/directmap.c mm/pagetable.c mm/ptwalk.c */
#include <string.h>
#include "tests/host/physmem.h"
#include "kernel/abi.h"
#include "mm/directmap.h"
#include "mm/frames.h"
#include "arch/x86_64/hw.h"

#define ROOT	0x1000ul
#define KIB	1024ul
#define MIB	(1024 * KIB)
#define GIB	(1024 * MIB)
#define FLAGS	(PTE_NX | PTE_G)

static uint64_t next_frame, budget;
enum tlb_bug tlb_seeded_bug;

void hw_step(void) { }

uint64_t frame_alloc_zeroed(void)
{
	if (!budget)
		return 0;
	budget--;
	next_frame += PAGE_SIZE;
	memset(phys + next_frame, 0, PAGE_SIZE);
	return next_frame;
}

void frame_free(uint64_t pa)
{
	(void)pa;
}

/* --- a machine ---------------------------------------------------------------------- */

static struct mem_range ranges[16];
static struct direct_map map;

static void begin(void)
{
	memset(phys, 0, sizeof(phys));
	next_frame = ROOT;
	budget = ~0ul;
	map = (struct direct_map){ .mem = ranges, .flags = FLAGS, .huge = true };
}

static void add(uint64_t from, uint64_t to, bool usable)
{
	ranges[map.count++] = (struct mem_range){ from, to - from, usable };
	if (usable && to > map.end)
		map.end = to & -(uint64_t)PAGE_SIZE;
}

static void build(void)
{
	assert_int_equal(direct_map_build(&map, ROOT), 0);
}

/* Level of the page that shows @pa, 0 when none does; the page must show that place and have the
 * right flags. */
static unsigned level_at(uint64_t pa)
{
	unsigned level;
	uint64_t *e = pt_lookup(ROOT, DIRECT_MAP_BASE + pa, &level);
	bool read_only = (pa >= map.read_only[0].start && pa < map.read_only[0].end) ||
			 (pa >= map.read_only[1].start && pa < map.read_only[1].end);

	if (!e || !(*e & PTE_P))
		return 0;
	assert_int_equal((*e & PTE_ADDR & -(level == 1 ? PAGE_SIZE : level == 2 ? 2 * MIB : GIB)),
			 (pa & -(level == 1 ? PAGE_SIZE : level == 2 ? 2 * MIB : GIB)));
	assert_int_equal(*e & (FLAGS | PTE_W | PTE_U), FLAGS | (read_only ? 0 : PTE_W));
	return level;
}

/* --- tests ---------------------------------------------------------------------------- */

/* A PC: 3 GiB, the hole for devices, 2 GiB after it. */
static void a_pcs_devices_are_not_shown(void **state)
{
	(void)state;
	begin();
	add(0, 0x9fc00, true);
	add(0x9fc00, 0xa0000, false);
	add(0xf0000, 0x100000, false);
	add(0x100000, 3 * GIB - 128 * KIB, true);
	add(3 * GIB - 128 * KIB, 3 * GIB, false);
	add(0xfeffc000, 4 * GIB, false);
	add(4 * GIB, 6 * GIB, true);
	map.read_only[0].start = MIB;
	map.read_only[0].end = MIB + 400 * KIB;
	map.read_only[1].start = MIB + 600 * KIB;
	map.read_only[1].end = MIB + 640 * KIB;
	build();
	assert_int_equal(level_at(0), 1);
	assert_int_equal(level_at(0xe0000), 1);		/* the BIOS's area stays readable */
	assert_int_equal(level_at(MIB), 1);
	assert_int_equal(level_at(2 * MIB), 2);
	assert_int_equal(level_at(GIB), 3);
	assert_int_equal(level_at(2 * GIB), 2);		/* its end is the firmware's */
	assert_int_equal(level_at(3 * GIB - 2 * MIB), 1);
	assert_int_equal(level_at(3 * GIB - PAGE_SIZE), 1);
	for (uint64_t pa = 3 * GIB; pa < 4 * GIB; pa += 2 * MIB)
		assert_int_equal(level_at(pa), 0);
	assert_int_equal(level_at(4 * GIB), 3);
	assert_int_equal(level_at(5 * GIB), 3);
	assert_int_equal(level_at(6 * GIB), 0);
}

/* One byte that is not RAM, or one page that no range has, anywhere in the second GiB. */
static void a_hole_of_any_size_makes_the_pages_small(void **state)
{
	static const uint64_t places[] = { GIB, GIB + 5 * MIB, GIB + 512 * MIB - 1, 2 * GIB - 1 };

	(void)state;
	for (unsigned listed = 0; listed < 2; listed++)
		for (unsigned i = 0; i < 4; i++) {
			begin();
			add(0, places[i] & -PAGE_SIZE, true);
			add((places[i] & -PAGE_SIZE) + PAGE_SIZE, 3 * GIB, true);
			if (listed) {
				map.count = 0;
				add(0, 3 * GIB, true);
				add(places[i], places[i] + 1, false);
			}
			build();
			assert_int_equal(level_at(0), 3);
			assert_int_equal(level_at(places[i]), 1);
			assert_int_equal(level_at(GIB + 100 * MIB), 2);
			assert_int_equal(level_at(2 * GIB), 3);
		}
}

/* Ranges come unsorted, overlap, and end in the middle of pages. */
static void several_ranges_may_make_one_page(void **state)
{
	(void)state;
	begin();
	add(GIB + 1, 2 * GIB, true);
	add(300 * MIB, GIB + 100, true);
	add(0, 400 * MIB, true);
	add(7 * GIB, 7 * GIB, false);	/* empty */
	build();
	assert_int_equal(level_at(0), 3);
	assert_int_equal(level_at(GIB), 3);
	assert_int_equal(level_at(2 * GIB), 0);
}

static void without_huge_pages_there_are_large_ones(void **state)
{
	(void)state;
	begin();
	add(0, 2 * GIB, true);
	map.huge = false;
	map.read_only[0].start = GIB + 2 * MIB + PAGE_SIZE;
	map.read_only[0].end = GIB + 2 * MIB + 3 * PAGE_SIZE;
	build();
	for (uint64_t pa = 0; pa < 2 * GIB; pa += 2 * MIB)
		assert_int_equal(level_at(pa), pa == GIB + 2 * MIB ? 1 : 2);
	assert_int_equal(level_at(map.read_only[0].start), 1);
}

static void a_range_may_run_to_the_end_of_all_addresses(void **state)
{
	(void)state;
	begin();
	add(0, GIB, true);
	ranges[map.count++] = (struct mem_range){ GIB - 1, ~0ul - 5, false };
	build();
	assert_int_equal(level_at(GIB - 1), 1);
	assert_int_equal(level_at(GIB - 3 * MIB), 2);
}

static void short_memory_is_an_error(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 4; n++) {
		begin();
		add(0, GIB + 3 * PAGE_SIZE, true);
		map.huge = false;
		budget = n;
		assert_int_equal(direct_map_build(&map, ROOT), -ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pcs_devices_are_not_shown),
		cmocka_unit_test(a_hole_of_any_size_makes_the_pages_small),
		cmocka_unit_test(several_ranges_may_make_one_page),
		cmocka_unit_test(without_huge_pages_there_are_large_ones),
		cmocka_unit_test(a_range_may_run_to_the_end_of_all_addresses),
		cmocka_unit_test(short_memory_is_an_error),
	};

	return cmocka_run_group_tests_name("direct map", tests, NULL, NULL);
}
