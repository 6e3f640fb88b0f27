/* SPDX-License-Identifier: MIT */
/* test_pagetable.c - page tables against a plain list of what was mapped, and with memory running
 * out. */
/* sources: mm/pagetable.c mm/ptwalk.c */
#include <string.h>
#include "tests/host/tables.h"
#include "kernel/abi.h"

static uint64_t unmap(uint64_t va)
{
	struct pt_list tables = { 0 };
	uint64_t old = pt_unmap(ROOT, va, &tables);

	pt_free_list(&tables);
	return old;
}

static void map_look_up_unmap(void **state)
{
	unsigned level = 0;
	uint64_t *e;

	(void)state;
	assert_null(pt_lookup(ROOT, 0x400000, &level));
	assert_int_equal(pt_map(ROOT, 0x400000, 0xabc000, PTE_U | PTE_W | PTE_NX, NULL), 0);
	assert_int_equal(pt_pages(), 3);
	e = pt_lookup(ROOT, 0x400fff, &level);
	assert_non_null(e);
	assert_int_equal(level, 1);
	assert_int_equal(*e, 0xabc000 | PTE_P | PTE_U | PTE_W | PTE_NX);
	assert_null(pt_lookup(ROOT, 0x401000, &level));
	assert_int_equal(pt_map(ROOT, 0x400000, 0x1000, 0, NULL), -EEXIST);
	assert_int_equal(unmap(0x401000), 0);
	assert_int_equal(unmap(0x400000), 0xabc000 | PTE_P | PTE_U | PTE_W | PTE_NX);
	assert_int_equal(unmap(0x400000), 0);
	assert_int_equal(pt_pages(), 0);	/* the empty tables went, the top-level entry too */
	assert_int_equal(entry_at(ROOT, 0), 0);
}

static void tables_go_when_their_last_page_goes(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 512; i++)
		assert_int_equal(pt_map(ROOT, 0x200000 + i * PAGE_SIZE, i * PAGE_SIZE, PTE_U, NULL),
				 0);
	assert_int_equal(pt_map(ROOT, 0x40000000, 0x5000, PTE_U, NULL), 0);
	assert_int_equal(pt_pages(), 5);
	for (uint64_t i = 511; i; i--)
		assert_int_not_equal(unmap(0x200000 + i * PAGE_SIZE), 0);
	assert_int_equal(pt_pages(), 5);
	unmap(0x200000);
	assert_int_equal(pt_pages(), 3);
	unmap(0x40000000);
	assert_int_equal(pt_pages(), 0);
}

/* A table unlinked is not free before the caller has flushed, and reads as empty until then. */
static void tables_wait_for_the_flush(void **state)
{
	struct pt_list tables = { 0 };
	uint64_t before;

	(void)state;
	pt_map(ROOT, 0x7000, 0x9000, PTE_U, NULL);
	before = frames_out;
	pt_unmap(ROOT, 0x7000, &tables);
	assert_int_equal(frames_out, before);
	assert_int_equal(tables.count, 3);
	for (uint64_t t = tables.first; t; t = entry_at(t, 0))
		for (unsigned i = 0; i < 512; i++)
			assert_false(entry_at(t, i) & PTE_P);
	pt_free_list(&tables);
	assert_int_equal(frames_out, before - 3);
}

static void the_leaf_decides(void **state)
{
	uint64_t low, high;

	(void)state;
	pt_map(ROOT, 0x1000, 0x9000, PTE_U, NULL);
	pt_map(ROOT, 0xffff800000001000, 0x9000, 0, NULL);
	low = entry_at(ROOT, 0);
	high = entry_at(ROOT, 256);
	assert_int_equal(low & (PTE_P | PTE_W | PTE_U | PTE_NX), PTE_P | PTE_W | PTE_U);
	assert_int_equal(high & (PTE_P | PTE_W | PTE_U | PTE_NX), PTE_P | PTE_W);
}

static void large_pages(void **state)
{
	unsigned level;

	(void)state;
	assert_int_equal(pt_map_large(ROOT, 0xffff800000200000, 0x200000, PTE_W | PTE_NX, 2), 0);
	assert_int_equal(pt_map_large(ROOT, 0xffff800040000000, 0x40000000, PTE_W, 3), 0);
	assert_int_equal(*pt_lookup(ROOT, 0xffff8000003ff123, &level),
			 0x200000 | PTE_P | PTE_PS | PTE_W | PTE_NX);
	assert_int_equal(level, 2);
	assert_non_null(pt_lookup(ROOT, 0xffff80007fffffff, &level));
	assert_int_equal(level, 3);
	assert_int_equal(pt_map(ROOT, 0xffff800000201000, 0, 0, NULL), -EEXIST);
	assert_int_equal(pt_map_large(ROOT, 0xffff800040200000, 0, 0, 2), -EEXIST);
	assert_int_equal(unmap(0xffff800000201000), 0);
}

/* At each point where a table could fail to come: nothing changed, and a second try works. */
static void memory_runs_out(void **state)
{
	(void)state;
	pt_map(ROOT, 0x1000, 0x9000, PTE_U, NULL);	/* so that one level is shared with what
							 * follows */
	for (unsigned n = 0; n < 3; n++) {
		for (int large = 0; large < 2; large++) {
			uint64_t va = 0x10000000000ul, before = pt_pages();

			budget = n;
			if (large && n == 2)
				continue;
			assert_int_equal(large ? pt_map_large(ROOT, va, 0, 0, 2) :
						 pt_map(ROOT, va, 0, 0, NULL), -ENOMEM);
			assert_int_equal(pt_pages(), before);
			assert_int_equal(entry_at(ROOT, 2), 0);
		}
	}
	budget = 1;				/* level 3 is there, one of two tables comes */
	assert_int_equal(pt_map(ROOT, 0x40000000, 0, 0, NULL), -ENOMEM);
	assert_int_equal(pt_pages(), 3);
	budget = 2;
	assert_int_equal(pt_map(ROOT, 0x40000000, 0, 0, NULL), 0);
	budget = 0;
	assert_int_equal(pt_fill_slot(ROOT, 300), -ENOMEM);
	assert_int_equal(entry_at(ROOT, 300), 0);
}

/* A pointer that a processor saw it may keep: so it sees none before all levels are there. */
static void links_when_all_levels_are_there(void **state)
{
	uint64_t va = 0x10000000000ul, made = 0;

	(void)state;
	unlinked = (uint64_t *)(phys + ROOT) + pt_index(va, 4);
	for (unsigned n = 0; n < 3; n++) {
		budget = n;
		assert_int_equal(pt_map(ROOT, va, 0, 0, &made), -ENOMEM);
	}
	budget = 3;
	assert_int_equal(made, 0);
	assert_int_equal(pt_map(ROOT, va, 0, 0, &made), 0);
	assert_int_equal(made, 3);
	unlinked = NULL;
	budget = 2;			/* below a table that is there */
	assert_int_equal(pt_map(ROOT, va + (1ul << 30), 0, 0, &made), 0);
	assert_int_equal(pt_map(ROOT, va + PAGE_SIZE, 0, 0, &made), 0);
	assert_int_equal(made, 5);
}

/* What was prepared for needs no memory any more, and tables that a NULL list leaves do not go. */
static void prepared_tables_stay(void **state)
{
	uint64_t va = 0x10000000000ul;

	(void)state;
	budget = 2;
	assert_int_equal(pt_prepare(ROOT, va), -ENOMEM);
	assert_int_equal(pt_pages(), 0);
	budget = 3;
	assert_int_equal(pt_prepare(ROOT, va), 0);
	assert_int_equal(pt_map(ROOT, va, 0x9000, 0, NULL), 0);
	assert_int_equal(pt_unmap(ROOT, va, NULL), 0x9000 | PTE_P);
	assert_int_equal(pt_pages(), 3);
	assert_int_equal(pt_map(ROOT, va, 0x9000, 0, NULL), 0);
	unmap(va);
	assert_int_equal(pt_pages(), 0);
}

static void filled_slots_stay(void **state)
{
	(void)state;
	assert_int_equal(pt_fill_slot(ROOT, 336), 0);
	assert_int_equal(pt_pages(), 1);
	assert_int_equal(pt_map(ROOT, TRAMPOLINE_AREA_BASE, 0x9000, PTE_W, NULL), 0);
	assert_int_equal(pt_pages(), 3);
	unmap(TRAMPOLINE_AREA_BASE);
	assert_int_equal(pt_pages(), 1);
	assert_true(entry_at(ROOT, 336) & PTE_P);
}

/* Map and unmap at random, with memory running out now and then; compare with a list. */
static void random_mix(void **state)
{
	static bool mapped[4096];
	uint64_t seed = 12345, live = 0;
	unsigned level;

	(void)state;
	memset(mapped, 0, sizeof(mapped));
	for (int i = 0; i < 30000; i++) {
		seed = seed * 6364136223846793005ul + 1442695040888963407ul;
		unsigned k = seed >> 40 & 4095;
		uint64_t va = ((uint64_t)(k & 7) << 39) | ((uint64_t)(k >> 3 & 7) << 30) |
			      ((uint64_t)(k >> 6 & 7) << 21) | ((uint64_t)(k >> 9) << 12);

		budget = seed >> 60 ? 1000 : seed >> 58 & 3;
		if (seed >> 33 & 1) {
			int err = pt_map(ROOT, va, (uint64_t)k << 12, PTE_U, NULL);

			assert_true(err == (mapped[k] ? -EEXIST : 0) ||
				    (err == -ENOMEM && budget == 0));
			live += !err;
			mapped[k] |= !err;
		} else {
			assert_int_equal(!!unmap(va), mapped[k]);
			live -= mapped[k];
			mapped[k] = false;
		}
		assert_int_equal(!!pt_lookup(ROOT, va, &level), mapped[k]);
	}
	for (unsigned k = 0; k < 4096; k++)
		if (mapped[k])
			unmap(((uint64_t)(k & 7) << 39) | ((uint64_t)(k >> 3 & 7) << 30) |
			      ((uint64_t)(k >> 6 & 7) << 21) | ((uint64_t)(k >> 9) << 12));
	assert_true(live > 0);
	assert_int_equal(pt_pages(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(map_look_up_unmap), TEST(tables_go_when_their_last_page_goes),
		TEST(tables_wait_for_the_flush), TEST(the_leaf_decides), TEST(large_pages),
		TEST(memory_runs_out), TEST(links_when_all_levels_are_there),
		TEST(prepared_tables_stay),
		TEST(filled_slots_stay), TEST(random_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
