/* SPDX-License-Identifier: MIT */
/*
 * test_region_memory.c - whoever keeps one range here and there keeps no more of the machine than
 * it is charged for.
 *
 * What the kernel knows of a range is small, and many of them share a frame.  A program that makes
 * thousands and gives back all but one in each frame must pay for those frames: or a few such
 * programs together have more than their limit, and a stranger has nothing.
 */
#include "print.h"
#include "test.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_region_memory"
#define RANGES 16000ul
#define KEPT_OF 24		/* fewer than share a frame */
#define FRAMES 250ul		/* that the kept ones keep, at least */
#define CHARGED_AHEAD 128	/* frames that a process may be charged for and not use, at most */

static char words[64];
static long at[RANGES];

/* How many pages are to be had. The kernel's own copies fail where a touch would kill. */
static long pages_left(void)
{
	char *all = map_memory(1ul << 32, PROT_WRITE);
	long n = 0;

	CHECK(all != NULL);
	while (!sys_copy64((uintptr_t)words, (uintptr_t)all + (unsigned long)n * 4096))
		n++;
	CHECK_EQUAL(sys_unmap((uintptr_t)all, 1ul << 32), 0);
	return n;
}

static long frames_used(void)
{
	sys_bench_control(BENCH_SHRINK, 0);
	return sys_bench_control(BENCH_FRAMES_USED, 0);
}

static void unmap_range(unsigned i)
{
	CHECK_EQUAL(sys_unmap((unsigned long)at[i], 4096), 0);
}

static int keep_a_few(void)
{
	long left, used, charged, kept;

	for (unsigned i = 0; i < RANGES; i++)	/* the memory of the array, before it is counted */
		at[i] = 1;
	left = pages_left();
	used = frames_used();
	for (unsigned i = 0; i < RANGES; i++)
		CHECK((at[i] = sys_map(4096, 0)) > 0);
	for (unsigned i = 0; i < RANGES; i++)
		if (i % KEPT_OF)
			unmap_range(i);
	kept = frames_used() - used;
	charged = left - pages_left();
	printf("# %ld frames kept, %ld charged\n", kept, charged);
	CHECK(kept >= (long)FRAMES);
	CHECK(charged + CHARGED_AHEAD >= kept);
	for (unsigned i = 0; i < RANGES; i += KEPT_OF)
		unmap_range(i);
	CHECK(frames_used() - used <= CHARGED_AHEAD);
	CHECK(left - pages_left() <= CHARGED_AHEAD);
	return test_result();
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (*arg == 'c')
		return keep_a_few();
	CHECK_EQUAL(run(PROGRAM, "child=keep_a_few"), 0);	/* whose limit is below the
								 * machine's memory */
	return test_result();
}
