/* SPDX-License-Identifier: MIT */
/*
 * main.c - torture: everything at once, for as long as asked, and nothing may be left of it.
 *
 * Runners, each a thread, start one program after the other, drawn by seed: what the tests of
 * tests/user do in their children, and whole tests. All CPUs' timers run at 10 kHz, NMIs go to
 * each, in three phases of four each yield and wake moves its thread, and bystanders check every
 * register throughout. After each phase, as many frames and page-table pages must be in use as
 * before the first.
 *
 * Its argument is "torture-<milliseconds> seed=<n>", or "torture-threads-..." for those programs
 * alone whose threads come and go. Time is the guest's: under -icount a millisecond is a million
 * instructions, for the bystanders never rest.
 */
#include "torture.h"
#include "bystander.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "tests/probe/abi.h"

#define STORM_HZ 10000
#define PHASE_NS 10000000000
#define BYSTANDERS 2
#define RUNNERS_MAX 16

struct runner {
	struct user_thread thread;
	uint64_t seed, until;
	uint64_t programs;		/* started and ended as they should */
	bool good;
};

static bool threads_only;
static struct runner runners[RUNNERS_MAX];
static struct bystander_thread bystanders[BYSTANDERS];

static uint64_t now(void)
{
	return (uint64_t)sys_clock();
}

static void run_programs(void *arg)
{
	struct runner *r = arg;

	do
		r->good = act_once(&r->seed, threads_only);
	while (r->good && ++r->programs && now() < r->until);
}

/* One phase, or a shorter one that ends at @until. False when anything went wrong. */
static bool run_phase(uint64_t *seed, unsigned count, uint64_t until, uint64_t *programs)
{
	bool good = true;

	for (unsigned i = 0; i < BYSTANDERS; i++)
		good &= bystander_start(&bystanders[i], test_random(seed)) == 0;
	good &= threads_only || nmis_start();
	for (unsigned i = 0; i < count; i++) {
		runners[i] = (struct runner){ .seed = test_random(seed), .until = until };
		good &= thread_start(&runners[i].thread, run_programs, &runners[i]) == 0;
	}
	for (unsigned i = 0; i < count && good; i++) {
		good &= thread_finish(&runners[i].thread) == 0 && runners[i].good;
		*programs += runners[i].programs;
	}
	good &= threads_only || nmis_stop();
	for (unsigned i = 0; i < BYSTANDERS; i++)
		good &= bystander_stop(&bystanders[i]);
	return good;
}

static bool balanced(struct balance wanted)
{
	struct balance is = settle(wanted, SETTLE_NAPS);

	if (sys_bench_control(BENCH_CHECK, 0))
		return false;
	if (is.frames == wanted.frames && is.tables == wanted.tables)
		return true;
	printf("torture: %ld frames in use, %ld before; %ld page-table pages, %ld before\n",
	       is.frames, wanted.frames, is.tables, wanted.tables);
	return false;
}

static int torture(uint64_t ns, uint64_t first_seed)
{
	unsigned cpus = smp_count(), count = cpus + 2 < RUNNERS_MAX ? cpus + 2 : RUNNERS_MAX;
	uint64_t start, programs = 0, ipis = (uint64_t)sys_bench_control(BENCH_IPIS, 0),
			seed = first_seed;
	struct balance before = fill_pools(count);
	bool good = test_result() == TEST_PASS && (threads_only || nmis_begin());

	start = now();
	for (unsigned phase = 1; good && now() - start < ns; phase++) {
		uint64_t left = start + ns - now();

		smp_set_timers(STORM_HZ);
		sys_bench_control(BENCH_MIGRATE, phase % 4 != 0);
		good = run_phase(&seed, count, now() + (left < PHASE_NS ? left : PHASE_NS),
				 &programs);
		sys_bench_control(BENCH_MIGRATE, 0);
		smp_set_timers(TIMER_HZ_NORMAL);
		good = good && balanced(before);
		printf("torture: phase %u, %lu ms: %lu programs, %lu IPIs, %ld frames in use%s\n",
		       phase, (now() - start) / 1000000, programs,
		       (uint64_t)sys_bench_control(BENCH_IPIS, 0) - ipis,
		       sys_bench_control(BENCH_FRAMES_USED, 0), good ? "" : ": FAILED");
	}
	good = (threads_only || nmis_end()) && good;
	printf("torture: seed %lu, %u CPUs, %lu ms: %s\n", first_seed, cpus,
	       (now() - start) / 1000000,
	       good ? "every register as it should be, frames and page-table pages balance" :
		      "FAILED");
	return good ? TEST_PASS : TEST_FAIL;
}

int main(const char *arg, size_t len)
{
	const char *number = arg + strlen("torture-"), *seed = arg;

	(void)len;
	if (starts_with(arg, "child="))
		return fill_child(arg + strlen("child="));
	threads_only = starts_with(number, "threads-");
	if (threads_only)
		number += strlen("threads-");
	while (*seed && *seed != ' ')
		seed++;
	sys_spawn_rights(RIGHTS_ALL);	/* it runs whole tests */
	return torture(parse_number(number) * 1000000, test_seed(*seed ? seed + 1 : ""));
}
