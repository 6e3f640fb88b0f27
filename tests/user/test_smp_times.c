/* SPDX-License-Identifier: MIT */
/*
 * test_smp_times.c - how long things take, in absolute terms: a sleep, and a turn of one of two
 * threads that never give way, on the first CPU and on the last.
 *
 * The host may take the processor away at any time, and that makes things longer. So upper bounds
 * hold where the guest's clock counts its instructions, as under -icount, and lower ones always.
 */
#include "arch/x86_64/x86.h"
#include "print.h"
#include "smp.h"
#include "test.h"
#include "thread.h"
#include "user.h"
#include "tests/probe/abi.h"

#define MS		1000000l
#define TICK_NS		(10 * MS)
#define SLEEP_NS	(50 * MS)
#define TIMES		8
#define TURNS		12
#define GAP_NS		(MS / 2)	/* between two looks at the clock: somebody else ran */

/* Then two readings in a row always differ by the same. */
static bool clock_counts_instructions(void)
{
	uint64_t first = -rdtsc() + rdtsc();

	for (int i = 0; i < 100; i++)
		if (-rdtsc() + rdtsc() != first)
			return false;
	return true;
}

static bool exact;

static void sleeps(void)
{
	long shortest = 1000 * MS;

	for (int i = 0; i < TIMES; i++) {
		long begin = sys_clock(), took;

		CHECK_EQUAL(sys_sleep(SLEEP_NS), -ETIMEDOUT);
		took = sys_clock() - begin;
		CHECK(took >= SLEEP_NS);
		shortest = took < shortest ? took : shortest;
	}
	/* The tick that finds it due, and one more. */
	if (exact && !CHECK(shortest <= SLEEP_NS + 2 * TICK_NS))
		printf("# the shortest sleep of %ld us took %ld us\n", SLEEP_NS / 1000,
		       shortest / 1000);
}

static volatile bool over;

static void spin(void *cpu)
{
	smp_pin((unsigned)(uintptr_t)cpu);
	while (!over)
		smp_relax();
}

/* The shortest and the longest of the other one's turns, as gaps in our own time. */
static void turns(unsigned cpu)
{
	long shortest = 1000 * MS, longest = 0, before;
	struct user_thread t;

	over = false;
	smp_pin(cpu);
	CHECK_EQUAL(thread_start(&t, spin, (void *)(uintptr_t)cpu), 0);
	sys_yield();
	before = sys_clock();
	for (int seen = 0; seen < TURNS;) {
		long now = sys_clock();

		if (now - before > GAP_NS && seen++ > 1) {	/* the first ones are no whole
								 * turns */
			shortest = now - before < shortest ? now - before : shortest;
			longest = now - before > longest ? now - before : longest;
		}
		before = now;
		smp_relax();
	}
	over = true;
	CHECK_EQUAL(thread_finish(&t), 0);
	smp_unpin();
	/* Two ticks, of which the first may be all but over where somebody gave way; these never
	 * do. */
	CHECK(longest >= TICK_NS + TICK_NS / 2);
	if (exact)
		CHECK(shortest <= 2 * TICK_NS + TICK_NS / 2);
	printf("# CPU %u: the other's turns took %ld to %ld us\n", cpu, shortest / 1000,
	       longest / 1000);
}

int main(const char *arg, size_t len)
{
	unsigned long cpus = (unsigned long)sys_bench_control(BENCH_CPUS, 0);

	(void)arg, (void)len;
	exact = clock_counts_instructions();
	sleeps();
	turns(0);
	if (cpus > 1)
		turns(63 - (unsigned)__builtin_clzl(cpus));
	return test_result();
}
