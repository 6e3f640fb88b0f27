/* SPDX-License-Identifier: MIT */
/*
 * test_edges.c - arguments at their limits: the last one that is taken and the first one that is
 * not; numbers that are somebody else's; and a refusal leaves nothing behind.
 */
#include "mm/layout.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROGRAM		"test_edges"
#define NAME_MOST	23
#define ARG_MOST	1024
#define WRITE_MOST	4096
#define REFUSALS	20

static char bytes[WRITE_MOST + 1];

static long spawn_sized(size_t name_len, size_t arg_len)
{
	return sys_spawn((uintptr_t)bytes, name_len, (uintptr_t)bytes, arg_len);
}

/* No program is called so: what is well-formed comes as far as the look-up. */
static void names_and_arguments(void)
{
	memset(bytes, 'x', sizeof(bytes));
	CHECK_EQUAL(spawn_sized(NAME_MOST, 0), -ENOENT);
	CHECK_EQUAL(spawn_sized(NAME_MOST + 1, 0), -EINVAL);
	CHECK_EQUAL(spawn_sized(1, ARG_MOST), -ENOENT);
	CHECK_EQUAL(spawn_sized(1, ARG_MOST + 1), -EINVAL);
}

static void sizes(void)
{
	/* Nothing to be seen in the log, and a line's end. */
	memset(bytes, '\r', sizeof(bytes));
	bytes[WRITE_MOST - 1] = '\n';
	CHECK_EQUAL(sys_console_write((uintptr_t)bytes, WRITE_MOST), WRITE_MOST);
	CHECK_EQUAL(sys_console_write((uintptr_t)bytes, WRITE_MOST + 1), -EINVAL);
	CHECK_EQUAL(sys_map(0, PROT_WRITE), -EINVAL);
	CHECK_EQUAL(sys_map(USER_END, PROT_WRITE), -ENOMEM);	/* nonsense is more than that */
	CHECK_EQUAL(sys_map(USER_END + 1, PROT_WRITE), -EINVAL);
	CHECK_EQUAL(sys_map(~0ul, PROT_WRITE), -EINVAL);
	CHECK_EQUAL(sys_set_priority(0, PRIORITY_BACKGROUND), 0);
	CHECK_EQUAL(sys_set_priority(0, PRIORITY_USUAL), 0);
	CHECK_EQUAL(sys_set_priority(0, PRIORITY_BACKGROUND + 1), -EINVAL);
}

/* --- numbers of others: a child is told its brother's pid and its parent's thread's tid ------- */

static unsigned long number_in(const char *arg)
{
	unsigned long n = 0;

	for (; *arg; arg++)
		n = *arg >= '0' && *arg <= '9' ? n * 10 + (unsigned long)(*arg - '0') : 0;
	return n;
}

static int wait_for_a_brother(const char *arg)
{
	return sys_wait(number_in(arg)) == -ECHILD ? TEST_PASS : TEST_FAIL;
}

static int reach_for_a_stranger(const char *arg)
{
	unsigned long tid = number_in(arg);

	return sys_wake(tid) == -ESRCH && sys_thread_stop(tid) == -ESRCH &&
	       sys_thread_join(tid) == -ESRCH ? TEST_PASS : TEST_FAIL;
}

static void sleep_on(void *unused)
{
	(void)unused;
	while (sys_sleep(0) == 0)
		;
}

static void say(char *buf, const char *what, long n)
{
	char digits[24];
	int at = 0;

	while (*what)
		*buf++ = *what++;
	for (; n; n /= 10)
		digits[at++] = (char)('0' + n % 10);
	while (at)
		*buf++ = digits[--at];
	*buf = '\0';
}

static void numbers_of_others(void)
{
	char arg[64];
	struct user_thread t;
	long brother = spawn(PROGRAM, "child=nothing");

	say(arg, "child=wait ", brother);
	CHECK_EQUAL(run(PROGRAM, arg), TEST_PASS);
	CHECK_EQUAL(sys_wait((unsigned long)brother), TEST_PASS);
	CHECK_EQUAL(thread_start(&t, sleep_on, NULL), 0);
	say(arg, "child=reach ", t.tid);
	CHECK_EQUAL(run(PROGRAM, arg), TEST_PASS);
	CHECK_EQUAL(thread_cut_off(&t), 0);
}

/* --- balances --------------------------------------------------------------------- */

static long in_use(unsigned long what)
{
	sys_bench_control(BENCH_SHRINK, 0);
	return sys_bench_control(what, 0);
}

static void refusals_leave_nothing(void)
{
	long frames = 0, tables = 0, objects = 0;

	memset(bytes, 'x', sizeof(bytes));
	for (int round = 0; round < 2; round++) {	/* the first fills what the kernel keeps */
		frames = in_use(BENCH_FRAMES_USED);
		tables = in_use(BENCH_PT_PAGES);
		objects = in_use(BENCH_HEAP_OBJECTS);
		for (int i = 0; i < REFUSALS; i++) {
			spawn_sized(NAME_MOST, 0);
			sys_map(USER_END, PROT_WRITE);
		}
	}
	CHECK_EQUAL(in_use(BENCH_HEAP_OBJECTS), objects);
	CHECK_EQUAL(in_use(BENCH_PT_PAGES), tables);
	CHECK_EQUAL(in_use(BENCH_FRAMES_USED), frames);
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (!strcmp(arg, "child=nothing"))
		return TEST_PASS;
	if (starts_with(arg, "child=wait "))
		return wait_for_a_brother(arg);
	if (starts_with(arg, "child=reach "))
		return reach_for_a_stranger(arg);
	names_and_arguments();
	sizes();
	numbers_of_others();
	refusals_leave_nothing();
	return test_result();
}
