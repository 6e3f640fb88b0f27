/* SPDX-License-Identifier: MIT */
/* test_tid.c - thread ids: what they name, until when, and when a number comes again. */
/* sources: kernel/object/tid.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "kernel/object/object.h"
#include "kernel/object/tid.h"

#define MANY (1u << 19)		/* threads, one after the other: more than a slot has generations */

static struct process one, other;
static struct thread thread;

static void names_one_thread_of_its_owner(void **state)
{
	uint32_t tid = tid_take(&thread, &one);

	(void)state;
	assert_int_not_equal(tid, 0);
	assert_ptr_equal(tid_find(&one, tid)->thread, &thread);
	assert_null(tid_find(&other, tid));
	assert_null(tid_find(&one, tid + TID_SLOTS));
	assert_int_equal(tid_slots_used(), 1);
	tid_release(tid_slot_of(tid));
	assert_null(tid_find(&one, tid));
	assert_int_equal(tid_slots_used(), 0);
}

/* Whoever kept the number of a thread that he has joined does not find another one by it. */
static void numbers_do_not_come_again_soon(void **state)
{
	uint32_t old = tid_take(&thread, &one);

	(void)state;
	tid_release(tid_slot_of(old));
	for (unsigned i = 0; i < MANY; i++) {
		uint32_t tid = tid_take(&thread, &other);

		assert_int_not_equal(tid, 0);
		assert_int_not_equal(tid, old);
		tid_release(tid_slot_of(tid));
	}
}

/* All slots are handed out, and come back with their owner. */
static void as_many_as_there_are(void **state)
{
	unsigned n = 0;

	(void)state;
	while (tid_take(&thread, n % 2 ? &one : &other))
		n++;
	assert_int_equal(n, TID_SLOTS - 1);
	while (!tid_release_some(&one, 100))
		;
	assert_int_equal(tid_slots_used(), (n + 1) / 2);
	assert_int_not_equal(tid_take(&thread, &one), 0);
	while (!tid_release_some(&one, 100) || !tid_release_some(&other, 100))
		;
	assert_int_equal(tid_slots_used(), 0);
}

/* The last generation of a slot, and the first one after it: errors are negative, tids are not. */
static void numbers_are_positive_when_generations_wrap(void **state)
{
	uint32_t first = tid_take(&thread, &one), last, next;
	struct tid_slot *s = tid_slot_of(first);

	(void)state;
	s->generation = INT32_MAX >> TID_SLOT_BITS;
	last = (uint32_t)(s - tid_slots) | s->generation << TID_SLOT_BITS;
	assert_true((int32_t)last > 0);
	assert_ptr_equal(tid_find(&one, last), s);
	tid_release(s);
	next = (uint32_t)(s - tid_slots) | s->generation << TID_SLOT_BITS;
	assert_true((int32_t)next > 0);
	assert_int_not_equal(next, last);
}

/* Whoever leaves, the others are still found from their owner, and each once. */
static void the_owners_list_is_whole_whoever_leaves(void **state)
{
	(void)state;
	for (unsigned leaver = 0; leaver < 3; leaver++) {
		uint32_t tid[3], first = (leaver + 1) % 3, left = (leaver + 2) % 3;

		for (unsigned i = 0; i < 3; i++)
			tid[i] = tid_take(&thread, &one);
		tid_release(tid_slot_of(tid[leaver]));
		tid_release(tid_slot_of(tid[first]));
		assert_int_equal(one.tids, tid[left] & (TID_SLOTS - 1));
		assert_int_equal(tid_slot_of(tid[left])->next, 0);
		assert_int_equal(tid_slot_of(tid[left])->before, 0);
		assert_true(tid_release_some(&one, 1));
	}
	assert_int_equal(tid_slots_used(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_one_thread_of_its_owner),
		cmocka_unit_test(numbers_do_not_come_again_soon),
		cmocka_unit_test(numbers_are_positive_when_generations_wrap),
		cmocka_unit_test(the_owners_list_is_whole_whoever_leaves),
		cmocka_unit_test(as_many_as_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
