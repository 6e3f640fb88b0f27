/* SPDX-License-Identifier: MIT */
/*
 * test_smp_unmap_stop.c - unmap() cut short: by thread_stop(), by the end of the process, by
 * another unmap().
 *
 * What is left of the range is nobody's: no map() gets it, no touch fills it, another unmap() goes
 * on.
 */
#include "mm/layout.h"
#include "print.h"
#include "range.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_smp_unmap_stop"
#define PAGES 1024
#define LEN (PAGES * PAGE_SIZE)
#define ROUNDS 4
#define TRIES 12
#define POISON 0xdead

/* --- an unmap() that is cut short ------------------------------------------------- */

static char *volatile going;
static volatile long result;
static volatile uint64_t rounds, begun, ended;

/* Each round: a range, filled; then its end. */
static void unmap_rounds(void *unused)
{
	(void)unused;
	smp_pin(smp_cpu(1));
	for (uint64_t i = 1; i <= TRIES; i++) {
		char *range = map_memory(LEN, PROT_WRITE);

		fill(range, PAGES, POISON);
		going = range;
		begun = i;
		result = sys_unmap((uintptr_t)range, LEN);
		ended = i;
		while (rounds < i)
			smp_wait();
	}
}

/* The range of an unmap() that was cut short: what is gone stays away, and its addresses are
 * nobody's until another unmap() has come to the end. */
static void finish_range(char *range)
{
	char *other = map_memory(LEN, PROT_WRITE);

	CHECK(other && (other + LEN <= range || other >= range + LEN));
	CHECK(!readable(range));
	CHECK_EQUAL(sys_unmap((uintptr_t)range, LEN - PAGE_SIZE), -EINVAL);
	CHECK_EQUAL(sys_unmap((uintptr_t)range, LEN), 0);
	CHECK_EQUAL(sys_unmap((uintptr_t)range, LEN), -EINVAL);
	CHECK_EQUAL(sys_unmap((uintptr_t)other, LEN), 0);
}

/* Where there is one CPU, nobody runs that could stop it. */
static void stop_unmaps(void)
{
	struct user_thread t;
	unsigned cut = 0;

	smp_pin(smp_cpu(0));
	CHECK_EQUAL(thread_start(&t, unmap_rounds, NULL), 0);
	for (uint64_t i = 1; i <= TRIES; i++) {
		while (begun < i)
			smp_wait();
		for (unsigned n = 0; n < i % 8; n++)
			smp_relax();
		CHECK_EQUAL(sys_thread_stop((unsigned long)t.tid), 0);
		CHECK_EQUAL(sys_thread_resume((unsigned long)t.tid), 0);
		while (ended < i)
			smp_wait();
		CHECK(result == 0 || result == -EINTR);
		if (result == -EINTR) {
			cut++;
			finish_range(going);
		} else {
			CHECK_EQUAL(sys_unmap((uintptr_t)going, LEN), -EINVAL);
		}
		rounds = i;
	}
	CHECK_EQUAL(thread_finish(&t), 0);
	CHECK(cut || smp_count() == 1);
	printf("# %u of %u unmaps were cut short\n", cut, TRIES);
	smp_unpin();
}

/* In a child: the process ends while one of its threads unmaps. */
static int end_in_the_middle(void)
{
	struct user_thread t;

	if (thread_start(&t, unmap_rounds, NULL))
		return TEST_FAIL;
	while (!begun)
		smp_wait();
	sys_exit(TEST_PASS);
}

static void nothing(void *unused)
{
	(void)unused;
}

static long frames_used(void)
{
	struct user_thread t;

	if (!thread_start(&t, nothing, NULL))	/* with each thread some of the dead are buried */
		thread_finish(&t);
	return sys_bench_control(BENCH_FRAMES_USED, 0);
}

/* Nothing that was on its way out is lost with the process. */
static void end_many(void)
{
	long before;

	test_child(PROGRAM, "end", SURVIVES);
	before = frames_used();
	for (unsigned i = 0; i < ROUNDS; i++)
		test_child(PROGRAM, "end", SURVIVES);
	while (frames_used() > before + PAGES / 4)
		smp_wait();
}

/* --- two that unmap the same ------------------------------------------------------ */

static long results[2];

static void unmap_going(void *n)
{
	smp_pin(smp_cpu((unsigned)(uintptr_t)n));
	while (!begun)
		smp_relax();
	results[(uintptr_t)n] = sys_unmap((uintptr_t)going, LEN);
}

static void unmap_twice(void)
{
	struct user_thread t[2];

	for (unsigned i = 0; i < ROUNDS; i++) {
		going = map_memory(LEN, PROT_WRITE);
		fill(going, PAGES, POISON);
		begun = 0;
		for (uintptr_t n = 0; n < 2; n++)
			CHECK_EQUAL(thread_start(&t[n], unmap_going, (void *)n), 0);
		begun = 1;
		for (unsigned n = 0; n < 2; n++)
			CHECK_EQUAL(thread_finish(&t[n]), 0);
		CHECK((results[0] == 0 && results[1] == -EINVAL) ||
		      (results[1] == 0 && results[0] == -EINVAL));
	}
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (!strcmp(arg, "child=end"))
		return end_in_the_middle();
	stop_unmaps();
	end_many();
	unmap_twice();
	return test_result();
}
