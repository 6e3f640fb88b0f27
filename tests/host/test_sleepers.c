/* SPDX-License-Identifier: MIT */
/* sources: kernel/sched/sleepers.c */
/* test_sleepers.c - the heap of timed sleepers against a sorted list, and how many nodes an
 * operation may visit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/sched/sleepers.h"

#define MOST 16383		/* threads there may be */
#define MOST_RANK 14		/* 2^rank - 1 nodes are below a node of that rank */

static struct sleeper nodes[MOST];
static struct sleepers heap;
static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static int start(void **unused)
{
	(void)unused;
	seed = 1;
	memset(nodes, 0, sizeof(nodes));
	memset(&heap, 0, sizeof(heap));
	return 0;
}

static void check(uint64_t expected)
{
	const char *wrong = sleepers_check(&heap);
	uint64_t count = 0;

	for (const struct sleeper *s = heap.soonest; s; s = sleepers_next(s))
		count++;
	if (wrong)
		fail_msg("%s", wrong);
	assert_int_equal(count, expected);
}

static struct sleeper *take_soonest(void)
{
	struct sleeper *s = heap.soonest;

	sleepers_remove(&heap, s);
	assert_int_equal(s->wake_at, 0);
	return s;
}

/* --- the model: an array, soonest first ------------------------------------------- */

static struct { uint64_t wake_at; struct sleeper *s; } model[MOST];
static size_t model_count;

static void model_add(struct sleeper *s, uint64_t wake_at)
{
	size_t at = model_count++;

	for (; at && model[at - 1].wake_at > wake_at; at--)
		model[at] = model[at - 1];
	model[at].wake_at = wake_at;
	model[at].s = s;
}

static struct sleeper *model_remove(size_t at)
{
	struct sleeper *s = model[at].s;

	memmove(&model[at], &model[at + 1], (--model_count - at) * sizeof(model[0]));
	return s;
}

/* Any of the first @n nodes that sleeps, or that does not; there is one. */
static struct sleeper *find(bool asleep, size_t n)
{
	for (size_t i = draw(n);; i = (i + 1) % n)
		if (!!nodes[i].wake_at == asleep)
			return &nodes[i];
}

static void add_one(size_t n, uint32_t times)
{
	struct sleeper *s = find(false, n);
	uint64_t wake_at = 1 + draw(times);

	sleepers_add(&heap, s, wake_at);
	model_add(s, wake_at);
}

/* Now and then the soonest, as at a tick; else any, as when it is woken. */
static void remove_one(void)
{
	size_t at = draw(2) ? 0 : draw(model_count);
	struct sleeper *s = model_remove(at);

	if (!at)
		assert_ptr_equal(heap.soonest, s);
	sleepers_remove(&heap, s);
}

/* Few different times, so that many are equal; the number of sleepers swings between none and
 * all. */
static void like_a_sorted_list(size_t n, uint32_t times, unsigned rounds)
{
	unsigned grow = 70;

	model_count = 0;
	for (unsigned i = 0; i < rounds; i++) {
		if (model_count == n)
			grow = 30;
		else if (!model_count)
			grow = 70;
		if (model_count < n && (!model_count || draw(100) < grow))
			add_one(n, times);
		else
			remove_one();
		check(model_count);
	}
}

static void agrees_with_a_sorted_list(void **unused)
{
	(void)unused;
	like_a_sorted_list(1, 1, 100);
	start(NULL);
	like_a_sorted_list(7, 3, 20000);
	start(NULL);
	like_a_sorted_list(200, 5, 20000);
	start(NULL);
	like_a_sorted_list(200, 1 << 20, 20000);
}

static void equal_times_come_in_the_order_of_adding(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < 1000; i++)
		sleepers_add(&heap, &nodes[i], 1 + i % 2);
	for (size_t i = 0; i < 1000; i += 2)
		assert_ptr_equal(take_soonest(), &nodes[i]);
	for (size_t i = 1; i < 1000; i += 2)
		assert_ptr_equal(take_soonest(), &nodes[i]);
	assert_null(heap.soonest);
}

/* --- the bound --------------------------------------------------------------------- */

static uint64_t rising(size_t i) { return i + 1; }
static uint64_t falling(size_t i) { return MOST - i; }
static uint64_t equal(size_t i) { (void)i; return 1; }
static uint64_t mixed(size_t i) { (void)i; return 1 + draw(1 << 20); }

static uint64_t (*const patterns[])(size_t) = {rising, falling, equal, mixed};

/*
 * What an operation visits are nodes on rightmost paths, which are as long as the rank of their
 * top, and ancestors whose rank changes, each to a higher one than the last. So no rank is above
 * MOST_RANK: that is the bound.
 */
static void no_rank_is_above_the_logarithm(void **unused)
{
	(void)unused;
	for (size_t p = 0; p < sizeof(patterns) / sizeof(patterns[0]); p++) {
		start(NULL);
		for (size_t i = 0; i < MOST; i++)
			sleepers_add(&heap, &nodes[i], patterns[p](i));
		check(MOST);
		for (const struct sleeper *s = heap.soonest; s; s = sleepers_next(s))
			assert_true(s->rank <= MOST_RANK);
		for (size_t left = MOST; left; left--) {
			sleepers_remove(&heap, left % 3 ? heap.soonest : find(true, MOST));
			if (left % 1024 == 0)
				check(left - 1);
		}
		assert_null(heap.soonest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(agrees_with_a_sorted_list, start),
		cmocka_unit_test_setup(equal_times_come_in_the_order_of_adding, start),
		cmocka_unit_test_setup(no_rank_is_above_the_logarithm, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
