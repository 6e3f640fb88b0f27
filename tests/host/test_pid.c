/* SPDX-License-Identifier: MIT */
/* test_pid.c - process numbers: whose they are, whatever numbers programs try for, and after the
 * last one. */
/* sources: kernel/object/pid.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "kernel/object/pid.h"
#include "kernel/object/object.h"

#define MOST 16383u			/* processes at once: each is a task */

static struct process processes[MOST];

static uint32_t take(void)
{
	uint32_t pid;

	for (unsigned tries = 0; !(pid = pid_take()); tries++)
		assert_true(tries <= MOST);
	return pid;
}

static void make(struct process *p)
{
	p->pid = take();
	pid_publish(p);
}

static void unmake(struct process *p)
{
	pid_withdraw(p);
	pid_give(p->pid);
}

static void in_order(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MOST; i++) {
		make(&processes[i]);
		assert_int_equal(processes[i].pid, i + 1);
	}
	for (unsigned i = 0; i < MOST; i++)
		assert_ptr_equal(pid_find(i + 1), &processes[i]);
	assert_null(pid_find(MOST + 1));
	for (unsigned i = 0; i < MOST; i += 2)
		unmake(&processes[i]);
	for (unsigned i = 0; i < MOST; i++)
		assert_ptr_equal(pid_find(i + 1), i % 2 ? &processes[i] : NULL);
	for (unsigned i = 1; i < MOST; i += 2)
		unmake(&processes[i]);
}

static unsigned longest_chain(void)
{
	unsigned n[PID_CHAINS] = { 0 }, longest = 0;

	for (unsigned i = 0; i < MOST; i++) {
		unsigned now = ++n[processes[i].pid % PID_CHAINS];

		longest = now > longest ? now : longest;
	}
	return longest;
}

/* Whoever throws away all numbers but those of one chain does not make it long. */
static void chains_stay_short(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MOST; i++) {
		pid_last |= PID_CHAINS - 1;	/* as failed attempts would */
		make(&processes[i]);
	}
	assert_true(longest_chain() <= PID_CHAIN_MAX);
	for (unsigned i = 0; i < MOST; i++)
		unmake(&processes[i]);
	for (unsigned i = 0; i < 2 * PID_CHAINS; i++) {	/* and they are all empty again */
		uint32_t pid = pid_take();

		assert_int_not_equal(pid, 0);
		pid_give(pid);
	}
}

/* One that nobody can find yet counts too, and what fails gives its place back. */
static void unpublished(void **state)
{
	uint32_t pid = 0;

	(void)state;
	for (unsigned i = 0; i < PID_CHAIN_MAX; i++) {
		pid_last += PID_CHAINS - 1;
		pid = pid_take();
		assert_int_not_equal(pid, 0);
		assert_null(pid_find(pid));
	}
	pid_last += PID_CHAINS - 1;
	assert_int_equal(pid_take(), 0);
	pid_give(pid);
	pid_last += PID_CHAINS - 1;
	assert_int_not_equal(pid_take(), 0);
	for (unsigned i = 0; i < PID_CHAIN_MAX; i++)
		pid_give(pid);
}

/* The first process lives for ever; its number and 0 are nobody else's. */
static void round_again(void **state)
{
	struct process *init = &processes[0], *third = &processes[1], *next = &processes[2];

	(void)state;
	pid_last = 0;
	make(init);
	pid_last = 2;
	make(third);
	pid_last = UINT32_MAX - 1;
	assert_int_equal(take(), UINT32_MAX);
	make(next);
	assert_int_equal(next->pid, 2);
	assert_int_equal(take(), 4);
	assert_ptr_equal(pid_find(1), init);
	assert_ptr_equal(pid_find(3), third);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order), cmocka_unit_test(chains_stay_short),
		cmocka_unit_test(unpublished),
		cmocka_unit_test(round_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
