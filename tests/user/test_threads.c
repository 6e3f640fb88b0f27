/* SPDX-License-Identifier: MIT */
/* test_threads.c - threads: many at once, many in turn, their values, their ends. */
#include "mm/layout.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "user.h"

#define PROGRAM "test_threads"
#define AT_ONCE 32
#define IN_TURN 500

static uint64_t results[AT_ONCE];
static volatile long own_tid;
static volatile long join_result = 1;

static void compute(void *arg)
{
	uintptr_t i = (uintptr_t)arg;

	for (uintptr_t n = 0; n <= i; n++) {
		results[i] += n;
		sys_yield();
	}
}

static void at_once(void)
{
	struct user_thread t[AT_ONCE];

	for (uintptr_t i = 0; i < AT_ONCE; i++)
		CHECK_EQUAL(thread_start(&t[i], compute, (void *)i), 0);
	for (uintptr_t i = 0; i < AT_ONCE; i++) {
		for (uintptr_t j = 0; j < i; j++)
			CHECK(t[i].tid != t[j].tid);
		CHECK_EQUAL(thread_finish(&t[i]), 0);
		CHECK_EQUAL(results[i], i * (i + 1) / 2);
	}
}

static void count(void *counter)
{
	++*(uint64_t *)counter;
}

static void in_turn(void)
{
	uint64_t counter = 0;
	struct user_thread t;

	for (int i = 0; i < IN_TURN; i++) {
		if (!CHECK(thread_start(&t, count, &counter) == 0))
			return;
		CHECK_EQUAL(thread_finish(&t), 0);
	}
	CHECK_EQUAL(counter, IN_TURN);
	/* Joined twice: it is gone. */
	CHECK(sys_thread_join((unsigned long)t.tid) < 0);
}

static void join_self(void *unused)
{
	(void)unused;
	while (!own_tid)
		smp_wait();
	join_result = sys_thread_join((unsigned long)own_tid);
}

static void errors(void)
{
	struct user_thread t;

	CHECK_EQUAL(sys_thread_join(0), -ESRCH);
	CHECK_EQUAL(sys_thread_join(0xffffffff), -ESRCH);
	CHECK_EQUAL(sys_thread_join(1ul << 32), -ESRCH);
	CHECK_EQUAL(sys_thread_join(~0ul), -ESRCH);
	CHECK_EQUAL(thread_start(&t, join_self, NULL), 0);
	own_tid = t.tid;
	CHECK_EQUAL(thread_finish(&t), 0);
	CHECK_EQUAL(join_result, -EINVAL);
	CHECK_EQUAL(sys_thread_create(USER_END, 0, 0), -EINVAL);
	CHECK_EQUAL(sys_thread_create(0x800000000000, 0, 0), -EINVAL);
	CHECK_EQUAL(sys_thread_create(KERNEL_IMAGE_BASE, 0, 0), -EINVAL);
}

static void spin(void *unused)
{
	(void)unused;
	for (;;)
		smp_relax();
}

static void sleep_for_ever(void *unused)
{
	(void)unused;
	sys_sleep(0);
}

static void yield_then_return(void *unused)
{
	(void)unused;
	for (int i = 0; i < 10; i++)
		sys_yield();
}

/* In children: how a process ends while it has other threads. */
static int child(const char *how)
{
	struct user_thread t;

	if (!strcmp(how, "exit_beside_spinner")) {
		thread_start(&t, spin, NULL);
		sys_yield();
		return 5;
	}
	if (!strcmp(how, "exit_beside_sleeper")) {
		thread_start(&t, sleep_for_ever, NULL);
		sys_yield();
		return 6;
	}
	if (!strcmp(how, "last_thread_out")) {
		thread_start(&t, yield_then_return, NULL);
		sys_thread_exit();
	}
	if (!strcmp(how, "only_thread_out"))
		sys_thread_exit();
	return TEST_FAIL;
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (starts_with(arg, "child="))
		return child(arg + strlen("child="));
	at_once();
	in_turn();
	errors();
	CHECK_EQUAL(run(PROGRAM, "child=exit_beside_spinner"), 5);
	CHECK_EQUAL(run(PROGRAM, "child=exit_beside_sleeper"), 6);
	CHECK_EQUAL(run(PROGRAM, "child=last_thread_out"), 0);
	CHECK_EQUAL(run(PROGRAM, "child=only_thread_out"), 0);
	return test_result();
}
