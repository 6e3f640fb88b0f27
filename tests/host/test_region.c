/* SPDX-License-Identifier: MIT */
/* test_region.c - a space's regions against a plain map of pages, and as many of them as a program
 * can make. */
/* sources: mm/region.c mm/regionpool.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/abi.h"
#include "mm/frames.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "mm/region.h"

#define BASE USER_MAP_BASE
#define PAGES 400u			/* of the model, from BASE on */
#define MAP_END (USER_STACK_TOP - 16 * USER_STACK_SIZE)

static uint64_t frames;			/* in use */
static bool no_frames;

/* Physical addresses are the host's own. */
void *phys_to_virt(uint64_t pa)
{
	return (void *)pa;
}

uint64_t frame_alloc(void)
{
	if (no_frames)
		return 0;
	frames++;
	return (uintptr_t)aligned_alloc(PAGE_SIZE, PAGE_SIZE);
}

void frame_free(uint64_t pa)
{
	frames--;
	free(phys_to_virt(pa));
}

static uint64_t seed;

static unsigned rnd(unsigned n)
{
	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (seed >> 33) % n;
}

static void space_init(struct aspace *as)
{
	*as = (struct aspace){ .next_map = BASE };
	regionpool_init(as);
}

static void free_space(struct aspace *as)
{
	while (!regionpool_free_step(as))
		;
	assert_int_equal(frames, 0);
}

static struct region *make(struct aspace *as, uint64_t start, uint64_t len, uint64_t flags)
{
	if (regionpool_full(as))
		assert_true(regionpool_grow(as));
	assert_int_equal(as->frames, frames);
	return region_new(as, start, len, flags);
}

static struct region *add(struct aspace *as, uint64_t start, uint64_t len)
{
	struct region *r = make(as, start, len, PTE_W | PTE_NX);

	r->anonymous = true;
	assert_int_equal(region_link(as, r), 0);
	return r;
}

/* Order, balance, and what each region says of its subtree. Returns its height. */
static int check_tree(const struct region *t, const struct region **before)
{
	const struct region *first, *first_before = *before;
	int left, right;
	uint64_t gap;

	if (!t)
		return 0;
	left = check_tree(t->left, before);
	if (*before)
		assert_true((*before)->end <= t->start);
	*before = t;
	right = check_tree(t->right, before);
	assert_int_equal(t->height, 1 + (left > right ? left : right));
	assert_true(left - right <= 1 && right - left <= 1);
	for (first = t; first->left; first = first->left)
		;
	assert_int_equal(t->first, first->start);
	assert_true(!first_before || first_before->end <= t->first);
	assert_int_equal(t->last, (*before)->end);
	gap = t->left ? t->start - t->left->last : 0;
	if (t->left && t->left->gap > gap)
		gap = t->left->gap;
	if (t->right && t->right->gap > gap)
		gap = t->right->gap;
	if (t->right && t->right->first - t->end > gap)
		gap = t->right->first - t->end;
	assert_int_equal(t->gap, gap);
	return t->height;
}

static void check(const struct aspace *as)
{
	const struct region *before = NULL;

	check_tree(as->regions, &before);
}

/* --- the model: which region a page belongs to ---------------------------------------------- */

static struct region *owner[PAGES + 2];

/* The lowest page at or above @from with @n free ones, and a free one on either side. */
static unsigned model_gap(unsigned from, unsigned n)
{
	for (unsigned at = from;; at++) {
		bool fits = true;

		for (unsigned i = at; i <= at + n; i++)
			fits = fits && (i >= PAGES || !owner[i]);
		if (fits && (!at || at > PAGES || !owner[at - 1]))
			return at;
	}
}

static void own(uint64_t start, uint64_t end, struct region *r)
{
	for (uint64_t va = start; va < end; va += PAGE_SIZE)
		owner[(va - BASE) / PAGE_SIZE] = r;
}

static void try_link(struct aspace *as)
{
	unsigned at = rnd(PAGES), n = 1 + rnd(rnd(4) ? 3 : 30);
	struct region *r = make(as, BASE + at * PAGE_SIZE, n * PAGE_SIZE, PTE_NX);
	bool free = at + n <= PAGES;

	for (unsigned i = at; i < at + n && i < PAGES; i++)
		free = free && !owner[i];
	if (at + n > PAGES) {
		region_free(as, r);
		return;
	}
	r->anonymous = true;
	assert_int_equal(region_link(as, r), free ? 0 : -EEXIST);
	if (free)
		own(r->start, r->end, r);
	else
		region_free(as, r);
}

static void try_unlink(struct aspace *as)
{
	struct region *r = owner[rnd(PAGES)];

	if (!r)
		return;
	assert_null(region_find_exact(as, r->start, r->end - r->start + PAGE_SIZE));
	assert_null(region_find_exact(as, r->start + 1, r->end - r->start));
	assert_ptr_equal(region_find_exact(as, r->start, r->end - r->start), r);
	as->next_map = BASE + PAGES * PAGE_SIZE;
	region_unlink(as, r);
	assert_int_equal(as->next_map, r->start);
	own(r->start, r->end, NULL);
	region_free(as, r);
}

static void try_find(struct aspace *as)
{
	unsigned page = rnd(PAGES), from = rnd(PAGES), n = 1 + rnd(rnd(2) ? 4 : 60);
	uint64_t va = BASE + page * PAGE_SIZE + rnd(PAGE_SIZE);

	assert_ptr_equal(region_find(as, va), owner[page]);
	assert_int_equal(region_gap(as, BASE + from * PAGE_SIZE, n * PAGE_SIZE),
			 BASE + model_gap(from, n) * PAGE_SIZE);
}

static void random_mix(void **state)
{
	struct aspace as;

	(void)state;
	space_init(&as);
	memset(owner, 0, sizeof(owner));
	for (unsigned i = 0; i < 60000; i++) {
		/* By turns it fills up and empties. */
		if (rnd(4) < (i / 5000 % 2 ? 1 : 3))
			try_link(&as);
		else
			try_unlink(&as);
		try_find(&as);
		if (i % 16 == 0)
			check(&as);
	}
	assert_true(as.region_count > 10);
	free_space(&as);
}

/* --- more ------------------------------------------------------------------------- */

/* What goes serves no faults, however it was found before, and keeps its addresses until it is
 * unlinked. */
static void going(void **state)
{
	struct region *r, *other;
	struct aspace as;

	(void)state;
	space_init(&as);
	r = add(&as, BASE, 4 * PAGE_SIZE);
	other = add(&as, BASE + 8 * PAGE_SIZE, PAGE_SIZE);
	assert_ptr_equal(region_find(&as, BASE), r);
	region_going(&as, r);
	assert_null(region_find(&as, BASE));
	assert_ptr_equal(region_find(&as, BASE + 8 * PAGE_SIZE), other);
	assert_null(region_find(&as, BASE + PAGE_SIZE));
	assert_ptr_equal(region_find_exact(&as, BASE, 4 * PAGE_SIZE), r);
	assert_int_equal(region_gap(&as, BASE, PAGE_SIZE), BASE + 5 * PAGE_SIZE);
	region_unlink(&as, r);
	assert_int_equal(region_gap(&as, BASE, PAGE_SIZE), BASE);
	region_free(&as, r);
	free_space(&as);
}

static void not_anonymous(void **state)
{
	struct aspace as;

	(void)state;
	space_init(&as);
	add(&as, BASE, PAGE_SIZE)->anonymous = false;
	assert_null(region_find_exact(&as, BASE, PAGE_SIZE));
	free_space(&as);
}

static void up_to_the_top(void **state)
{
	struct aspace as;

	(void)state;
	space_init(&as);
	assert_int_equal(region_gap(&as, BASE, MAP_END - BASE), BASE);
	assert_int_equal(region_gap(&as, BASE, MAP_END - BASE + PAGE_SIZE), 0);
	assert_int_equal(region_gap(&as, MAP_END, PAGE_SIZE), 0);
	add(&as, MAP_END - 2 * PAGE_SIZE, PAGE_SIZE);
	assert_int_equal(region_gap(&as, MAP_END - 2 * PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(region_gap(&as, BASE, USER_END), 0);
	free_space(&as);
}

/* In the orders that hurt a careless tree: however many there are, a search is short. */
static void as_many_as_there_can_be(void **state)
{
	(void)state;
	for (int order = 0; order < 3; order++) {
		struct aspace as;
		struct region *extra;
		unsigned steps = 0;

		space_init(&as);
		for (unsigned i = 0; i < REGIONS_MAX; i++) {
			unsigned at = order == 0 ? i :
				      order == 1 ? REGIONS_MAX - i :
						   i * 5077 % REGIONS_MAX;

			add(&as, BASE + at * 3 * PAGE_SIZE, PAGE_SIZE);
		}
		check(&as);
		assert_true(as.regions->height <= 20);
		extra = make(&as, BASE + REGIONS_MAX * 4 * PAGE_SIZE, PAGE_SIZE, 0);
		assert_int_equal(region_link(&as, extra), -ENOMEM);
		region_free(&as, extra);
		while (!regionpool_free_step(&as))
			steps++;
		assert_true(steps >= 10 && steps <= 30);	/* none of them is long */
		assert_int_equal(frames, 0);
	}
}

/* --- their memory ----------------------------------------------------------------- */

#define MANY 4000u

/* A frame counts for as long as a region is in it, whichever, and goes with the last one. */
static void frames_of_regions(void **state)
{
	static struct region *r[MANY];
	struct aspace as;
	uint64_t most;

	(void)state;
	space_init(&as);
	for (unsigned i = 0; i < MANY; i++)
		r[i] = make(&as, BASE, PAGE_SIZE, 0);
	most = frames;
	assert_true(most > MANY / 64 && most <= MANY / 50);
	for (unsigned i = 0; i < MANY; i++)
		if (i % 20)
			region_free(&as, r[i]);
	assert_int_equal(frames, most);		/* one is left in each */
	assert_int_equal(as.frames, most);
	for (unsigned i = 0; i < MANY; i++)
		if (i % 20)
			r[i] = make(&as, BASE, PAGE_SIZE, 0);
	assert_int_equal(frames, most);		/* free places come first */
	for (unsigned i = 0; i < MANY; i++)
		region_free(&as, r[i]);
	assert_int_equal(as.frames, 0);
	free_space(&as);
}

static void a_few_take_no_frame(void **state)
{
	struct region *r[REGIONS_OWN];
	struct aspace as;

	(void)state;
	space_init(&as);
	for (unsigned i = 0; i < REGIONS_OWN; i++)
		r[i] = make(&as, BASE, PAGE_SIZE, 0);
	assert_int_equal(frames, 0);
	assert_true(regionpool_full(&as));
	no_frames = true;
	assert_false(regionpool_grow(&as));
	no_frames = false;
	region_free(&as, r[1]);
	assert_ptr_equal(make(&as, BASE, PAGE_SIZE, 0), r[1]);
	free_space(&as);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_mix), cmocka_unit_test(going),
		cmocka_unit_test(not_anonymous),
		cmocka_unit_test(up_to_the_top), cmocka_unit_test(as_many_as_there_can_be),
		cmocka_unit_test(frames_of_regions), cmocka_unit_test(a_few_take_no_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
