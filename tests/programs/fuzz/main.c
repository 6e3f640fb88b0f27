/* SPDX-License-Identifier: MIT */
/*
 * main.c - the fuzzer: processes that make random and half-right system calls, and who watches over
 * them.
 *
 * Its argument is "fuzz-<calls> seed=<n>", which is tests=fuzz-<calls>. Runners, each a thread,
 * start one process after the other, each with a seed of its own, until so many calls were made:
 * for certain, for a process that is killed takes its count with it. Beside them others mind their
 * registers, joins and waits. Every so often, and at the end, all that the kernel keeps is looked
 * at (tests/kernel/invariants.h); at the end nothing is left in use.
 */
#include "fuzz.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "tests/probe/abi.h"

#define RUNNERS 4
#define CALLS_WITHOUT_NUMBER 100000
#define REPORT_NS 10000000000
#define NAP_NS 1000000
#define REFUSALS 5000			/* naps until a process can be started at last */
#define SETTLE_NAPS 5000
#define CHECK_EVERY 16			/* lives */
#define TIMER_HZ 1000

struct runner {
	struct user_thread thread;
	uint64_t seed;
	bool good;
};

static struct runner runners[RUNNERS];
static uint64_t wanted, calls, lives, killed, checks, last_report;
static bool failed;			/* somewhere: all stop */

static uint64_t load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void report(void)
{
	uint64_t now = (uint64_t)sys_clock(), last = load(&last_report);

	if (now - last < REPORT_NS ||
	    !__atomic_compare_exchange_n(&last_report, &last, now, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		return;
	printf("fuzz: %lu of %lu calls, %lu processes, %lu of them killed, %lu checks\n",
	       load(&calls), wanted, load(&lives), load(&killed), load(&checks));
}

static bool check(void)
{
	__atomic_fetch_add(&checks, 1, __ATOMIC_RELAXED);
	return sys_bench_control(BENCH_CHECK, 0) == 0;
}

/* Others may have taken all there is, for a while. */
static long start_life(uint64_t seed)
{
	char arg[40];
	long pid;

	snprintf(arg, sizeof(arg), "child=live,%lu", seed);
	for (unsigned i = 0; (pid = spawn("fuzz", arg)) == -EAGAIN || pid == -ENOMEM; i++) {
		if (i == REFUSALS)
			break;
		sys_sleep(NAP_NS);
	}
	return pid;
}

static bool run_life(uint64_t seed)
{
	long pid = start_life(seed), status = pid < 0 ? pid : sys_wait((unsigned long)pid);

	if (status < 0) {
		printf("fuzz: process with seed %lu: error %ld\n", seed, status);
		return false;
	}
	if (status & WAIT_KILLED)
		__atomic_fetch_add(&killed, 1, __ATOMIC_RELAXED);
	else
		__atomic_fetch_add(&calls, (uint64_t)status * CALLS_UNIT, __ATOMIC_RELAXED);
	return __atomic_add_fetch(&lives, 1, __ATOMIC_RELAXED) % CHECK_EVERY || check();
}

static void run_lives(void *arg)
{
	struct runner *r = arg;

	while (load(&calls) < wanted && !__atomic_load_n(&failed, __ATOMIC_RELAXED)) {
		r->good = run_life(test_random(&r->seed));
		if (!r->good)
			__atomic_store_n(&failed, true, __ATOMIC_RELAXED);
		report();
	}
}

/* --- what is in use ------------------------------------------------------------------- */

struct balance {
	long frames, tables, objects, tids;
};

static struct balance count(void)
{
	sys_bench_control(BENCH_SHRINK, 0);
	return (struct balance){
		sys_bench_control(BENCH_FRAMES_USED, 0), sys_bench_control(BENCH_PT_PAGES, 0),
		sys_bench_control(BENCH_HEAP_OBJECTS, 0), sys_bench_control(BENCH_TIDS, 0),
	};
}

/* Orphans end when their time has come. */
static bool balanced(const struct balance *before)
{
	struct balance now = count();

	for (unsigned i = 0; i < SETTLE_NAPS && memcmp(&now, before, sizeof(now)); i++) {
		sys_sleep(NAP_NS);
		now = count();
	}
	if (!memcmp(&now, before, sizeof(now)))
		return true;
	printf("fuzz: in use now and before: %ld and %ld frames, %ld and %ld page-table pages, %ld "
	       "and %ld objects, "
	       "%ld and %ld thread ids\n",
	       now.frames, before->frames, now.tables, before->tables, now.objects, before->objects,
	       now.tids, before->tids);
	return false;
}

static bool run_all(uint64_t seed)
{
	bool good = honest_begin(seed);

	for (unsigned i = 0; i < RUNNERS; i++) {
		runners[i] = (struct runner){ .seed = test_random(&seed), .good = true };
		good &= thread_start(&runners[i].thread, run_lives, &runners[i]) == 0;
	}
	for (unsigned i = 0; i < RUNNERS; i++)
		good &= thread_finish(&runners[i].thread) == 0 && runners[i].good;
	sys_bench_control(BENCH_MIGRATE, 0);
	smp_set_timers(TIMER_HZ_NORMAL);
	return honest_end() && good;
}

static int fuzz(uint64_t calls_wanted, uint64_t first_seed)
{
	struct balance before;
	uint64_t start = (uint64_t)sys_clock();
	bool good;

	last_report = start;
	smp_set_timers(TIMER_HZ);
	test_each_design("fuzz", "child=leaf");
	run_all(first_seed);	/* nothing but a start and an end: our own pages are there now */
	wanted = calls_wanted;
	before = count();
	good = run_all(first_seed) && check() && balanced(&before) && check();
	printf("fuzz: seed %lu, %u CPUs: %lu calls, %lu processes, %lu of them killed, %lu checks, "
	       "%lu ms: %s\n",
	       first_seed, smp_count(), calls, lives, killed, checks,
	       ((uint64_t)sys_clock() - start) / 1000000,
	       good ? "all is as it should be" : "FAILED");
	return good ? TEST_PASS : TEST_FAIL;
}

int main(const char *arg, size_t len)
{
	const char *seed = arg;

	(void)len;
	while (*seed && *seed != ' ' && *seed != ',')
		seed++;
	seed += *seed != 0;
	if (starts_with(arg, "child=live"))
		return live(parse_number(seed));
	if (starts_with(arg, "child=honest"))
		return honest_child(parse_number(seed));
	if (!starts_with(arg, "fuzz"))	/* a leaf, or one whose argument was drawn */
		return 1;
	return fuzz(starts_with(arg, "fuzz-") ? parse_number(arg + strlen("fuzz-")) :
						CALLS_WITHOUT_NUMBER,
		    test_seed(seed));
}
