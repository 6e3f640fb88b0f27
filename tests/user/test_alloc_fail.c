/* SPDX-License-Identifier: MIT */
/*
 * test_alloc_fail.c - every allocation of every operation fails once, and nothing is lost by it.
 *
 * For n = 1, 2, ...: the n-th allocation of an operation fails, alone or with all that follow it,
 * until the operation does with fewer than n. It then succeeds or returns an error that says so,
 * and frames, page tables, heap objects and thread ids are as many as before.
 */
#include "print.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_alloc_fail"
#define MANY 1000		/* more allocations than any operation makes */
#define SPREAD (1ul << 40)	/* two pages this far apart share no page table below the top */

struct counts {
	long frames, tables, objects, tids;
};

/* The pools are emptied first, so each operation has to fill them again, and that may fail too. */
static struct counts count(void)
{
	sys_bench_control(BENCH_SHRINK, 0);
	return (struct counts){
		sys_bench_control(BENCH_FRAMES_USED, 0), sys_bench_control(BENCH_PT_PAGES, 0),
		sys_bench_control(BENCH_HEAP_OBJECTS, 0), sys_bench_control(BENCH_TIDS, 0),
	};
}

/* --- operations: 0, or the negative error of the call that failed --------------------------- */

static long make_thread(void)
{
	long tid = sys_thread_create((uintptr_t)sys_thread_exit, 0, 0);

	return tid < 0 ? tid : sys_thread_join((unsigned long)tid);
}

static long make_process(void)
{
	long status = run(PROGRAM, "child=nothing");

	return status;
}

static long make_map(void)
{
	long at = sys_map(4096, PROT_WRITE);

	return at < 0 ? at : sys_unmap((unsigned long)at, 4096);
}

/* The kernel's own copies touch fresh pages, whose tables are missing too. */
static long copy_into_fresh_pages(void)
{
	static char words[64];
	long at = sys_map(SPREAD, PROT_WRITE), error;

	if (at < 0)
		return at;
	error = sys_copy64((uintptr_t)words, (unsigned long)at + SPREAD / 2);
	sys_unmap((unsigned long)at, SPREAD);
	return error;
}

static const struct {
	const char *name;
	long (*act)(void);
} operations[] = {
	{ "thread", make_thread }, { "process", make_process }, { "map", make_map },
	{ "copy", copy_into_fresh_pages },
};

static bool says_so(long error)
{
	return error == 0 || error == -ENOMEM || error == -EAGAIN || error == -EFAULT;
}

static void check_counts(const char *name, unsigned long n, struct counts was)
{
	struct counts is = count();

	if (is.frames == was.frames && is.tables == was.tables && is.objects == was.objects &&
	    is.tids == was.tids)
		return;
	printf("# %s, allocation %lu: frames %ld, were %ld; page tables %ld, were %ld; heap "
	       "objects %ld, were %ld; "
	       "tids %ld, were %ld\n",
	       name, n, is.frames, was.frames, is.tables, was.tables, is.objects, was.objects,
	       is.tids, was.tids);
	CHECK(!"balance");
}

/* Returns how many allocations it makes. */
static unsigned long fail_each(const char *name, long (*act)(void), unsigned long all)
{
	struct counts before;
	unsigned long n;

	CHECK_EQUAL(act(), 0);
	before = count();
	for (n = 1; n < MANY; n++) {
		long error, failed;

		sys_bench_control(BENCH_FAIL_ALLOC, n | all);
		error = act();
		failed = sys_bench_control(BENCH_FAIL_ALLOC, 0);
		if (!says_so(error)) {
			printf("# %s, allocation %lu: error %ld\n", name, n, error);
			CHECK(!"error");
		}
		check_counts(name, n, before);
		if (!failed)
			break;
		/* When nothing is to be had any more the caller must learn it. */
		CHECK(!all || error < 0);
	}
	CHECK(n > 1 && n < MANY);
	return n - 1;
}

/* --- in a child: a page fault for which there is no page, or no table ------------- */

static int touch(unsigned long n)
{
	char *at = map_memory(SPREAD, PROT_WRITE);

	sys_bench_control(BENCH_FAIL_ALLOC, n | FAIL_ALL);
	at[SPREAD / 2] = 1;
	return sys_bench_control(BENCH_FAIL_ALLOC, 0) ? TEST_FAIL : TEST_PASS;
}

static void page_faults(void)
{
	struct counts before;
	char arg[32];
	long status;
	unsigned long n;

	CHECK_EQUAL(run(PROGRAM, "child=touch,100"), TEST_PASS);
	before = count();
	for (n = 1; n < MANY; n++) {
		snprintf(arg, sizeof(arg), "child=touch,%lu", n);
		status = run(PROGRAM, arg);
		check_counts("page fault", n, before);
		if (status == TEST_PASS)
			break;
		CHECK_EQUAL(status, WAIT_KILLED | 14);
	}
	printf("# page fault: %lu allocations\n", n - 1);
	CHECK(n > 3);				/* a page and three tables; one may be shared */
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (starts_with(arg, "child=touch,"))
		return touch(parse_number(arg + strlen("child=touch,")));
	if (starts_with(arg, "child="))
		return 0;
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		unsigned long once = fail_each(operations[i].name, operations[i].act, 0);
		unsigned long all = fail_each(operations[i].name, operations[i].act, FAIL_ALL);

		printf("# %s: %lu allocations, %lu until none succeeds\n", operations[i].name, once,
		       all);
	}
	page_faults();
	return test_result();
}
