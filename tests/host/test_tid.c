/* SPDX-License-Identifier: MIT */
/* test_tid.c - thread ids: what they name, until when, and when a number comes again. */
/* sources: kernel/tid.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "kernel/thread.h"
#include "kernel/tid.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_one_thread_of_its_owner),
		cmocka_unit_test(numbers_do_not_come_again_soon),
		cmocka_unit_test(as_many_as_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
