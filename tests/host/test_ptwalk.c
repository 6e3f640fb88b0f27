/* SPDX-License-Identifier: MIT */
/* test_ptwalk.c - walks over page tables: what they see, in which order, and how much at one
 * step. */
/* sources: mm/pagetable.c mm/ptwalk.c */
#include "tests/host/tables.h"

struct seen {
	uint64_t va[64], access[64];
	unsigned n, stop_at;
};

static bool note(void *ctx, uint64_t va, uint64_t entry, uint64_t access, unsigned level)
{
	struct seen *s = ctx;

	(void)entry, (void)level;
	s->va[s->n] = va;
	s->access[s->n] = access;
	return ++s->n != s->stop_at;
}

static void walk_in_order(void **state)
{
	static const uint64_t va[] = {
		0x1000, 0x3ff000, 0x7ffffffff000, 0xffff800000000000, 0xffffa80000001000,
		0xfffffffffffff000,
	};
	struct seen s = { .n = 0 };

	(void)state;
	for (int i = 5; i >= 0; i--)
		assert_int_equal(pt_map(ROOT, va[i], 0x9000, i < 3 ? PTE_U : PTE_W | PTE_NX, NULL),
				 0);
	pt_walk(ROOT, 0, ~0ul, note, &s);
	assert_int_equal(s.n, 6);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(s.va[i], va[i]);
		assert_int_equal(s.access[i], i < 3 ? PTE_U : PTE_W | PTE_NX);
	}
	s = (struct seen){ .stop_at = 2 };
	pt_walk(ROOT, 0, ~0ul, note, &s);
	assert_int_equal(s.n, 2);
	s = (struct seen){ .n = 0 };
	pt_walk(ROOT, 0x2000, 0x7ffffffff000, note, &s);	/* [from, to) */
	assert_int_equal(s.n, 1);
	assert_int_equal(s.va[0], 0x3ff000);
	s = (struct seen){ .n = 0 };
	/* pages touched count */
	pt_walk(ROOT, 0xffff800000000001, 0xffffa80000001001, note, &s);
	assert_int_equal(s.n, 2);
}

/* Steps see what one walk sees, and no step sees more than its share, of leaves or of empty
 * tables. */
static void walk_in_steps(void **state)
{
	struct seen all = { .n = 0 }, s = { .n = 0 };
	uint64_t at = 0, before;
	unsigned steps = 0;

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(pt_map(ROOT, i * 0x35000000000ul % (1ul << 47) + i * PAGE_SIZE,
					0x9000, 0, NULL),
				 0);
	pt_walk(ROOT, 0, 1ul << 47, note, &all);
	do {
		before = s.n;
		steps++;
	} while (!pt_walk_step(ROOT, &at, 1ul << 47, note, &s) &&
		 s.n - before <= PT_STEP_WORK / PT_LEAF_WORK);
	assert_int_equal(at, 1ul << 47);
	assert_int_equal(s.n, 50);
	assert_memory_equal(s.va, all.va, sizeof(s.va));
	/* 26 top-level entries, with a table each, and 50 paths of two tables more, to be
	 * searched. */
	assert_true(steps >= (26 + 100) * 512 / 8 * PT_LINE_WORK / PT_STEP_WORK);
	assert_true(steps < 2 * (26 + 100) * 512 / 8 * PT_LINE_WORK / PT_STEP_WORK);
	at = 0;
	s = (struct seen){ .stop_at = 1 };
	assert_false(pt_walk_step(ROOT, &at, 1ul << 47, note, &s));
	assert_int_equal(at, PAGE_SIZE);	/* after the leaf at 0 */
	at = 0x1000;			/* nothing to do is done */
	assert_true(pt_walk_step(ROOT, &at, 0x1000, note, &s));
}

static unsigned leaves_seen;

static bool count_leaf(void *ctx, uint64_t va, uint64_t entry, uint64_t access, unsigned level)
{
	(void)ctx, (void)va, (void)access, (void)level;
	assert_int_equal(entry & PTE_ADDR, 0x9000);
	leaves_seen++;
	return true;
}

static void free_in_steps(void **state)
{
	uint64_t at = 0;
	unsigned before = 0;

	(void)state;
	leaves_seen = 0;
	for (uint64_t i = 0; i < 1500; i++)
		assert_int_equal(
			pt_map(ROOT, 0x3f0000000 + (i % 3 << 39) + i * PAGE_SIZE, 0x9000, 0, NULL),
			0);
	while (!pt_free_step(ROOT, &at, 1ul << 47, count_leaf)) {
		assert_true(leaves_seen - before <= PT_STEP_WORK / PT_LEAF_WORK);
		before = leaves_seen;
	}
	assert_int_equal(leaves_seen, 1500);
	assert_int_equal(pt_pages(), 0);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(entry_at(ROOT, i), 0);
}

/* Every place, from every place on, up to every end. */
static void next_used(void **state)
{
	uint64_t table[40] = { 0 };

	(void)state;
	memset(table, 0xfe, sizeof(table));	/* not present, whatever else */
	for (unsigned used = 0; used < 40; used++) {
		table[used] |= PTE_P;
		for (unsigned i = 0; i <= 40; i++)
			for (unsigned end = i; end <= 40; end++)
				assert_int_equal(pt_next_used(table, i, end),
						 used >= i && used < end ? used : end);
		table[used] &= ~PTE_P;
	}
	table[8] = table[9] = PTE_P;
	assert_int_equal(pt_next_used(table, 9, 40), 9);
}

/* W and U need the whole path, NX is enough anywhere on it. */
static void access_is_the_paths(void **state)
{
	struct seen s = { .n = 0 };

	(void)state;
	pt_map(ROOT, 0x1000, 0x9000, PTE_U | PTE_W, NULL);
	((uint64_t *)(phys + ROOT))[0] |= PTE_NX;
	((uint64_t *)(phys + ROOT))[0] &= ~PTE_W;
	pt_walk(ROOT, 0, ~0ul, note, &s);
	assert_int_equal(s.access[0], PTE_U | PTE_NX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(walk_in_order), TEST(walk_in_steps), TEST(free_in_steps),
		TEST(next_used), TEST(access_is_the_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
