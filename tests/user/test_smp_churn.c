/* SPDX-License-Identifier: MIT */
/*
 * test_smp_churn.c - threads and processes come and go on all CPUs, and nothing is left of them.
 *
 * What the kernel keeps for the next one (stacks, trampolines, heap blocks) is filled first, by
 * having as many at once as there will ever be. After that, every frame and page-table page that
 * the churn takes must come back.
 */
#include "arch/x86_64/trapframe.h"
#include "bystander.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_smp_churn"
#define CHURNERS 3		/* processes at once */
#define ALIVE 7			/* threads at once, in each */
#define LIVES 150		/* threads, in each */
#define ENDINGS 10		/* processes that end with threads of all kinds */
#define LOOKS 1000
#define PATIENCE 5000		/* naps until the last of the dead must be gone */
#define NAP_NS 1000000

struct balance {
	long frames, tables;
};

/* Without what the pools keep: how much that is depends on how many of the dead were there at
 * once. */
static struct balance count(void)
{
	sys_bench_control(BENCH_SHRINK, 0);
	return (struct balance){ sys_bench_control(BENCH_FRAMES_USED, 0),
				 sys_bench_control(BENCH_PT_PAGES, 0) };
}

/* A thread that has ended is freed a moment later, when its CPU has left its stack. */
static struct balance settle(struct balance wanted, unsigned naps)
{
	struct balance now = count();

	for (unsigned i = 0; i < naps && (now.frames > wanted.frames || now.tables > wanted.tables);
	     i++) {
		sys_sleep(NAP_NS);
		now = count();
	}
	return now;
}

/* --- what a thread does with its life: *@arg is its seed ------------------------------------ */

static void live(void *arg)
{
	uint64_t seed = *(uint64_t *)arg;
	char *page;

	switch (test_random(&seed) % 6) {
	case 0:
		break;
	case 1:
		for (uint64_t n = test_random(&seed) % 100; n; n--)
			smp_relax();
		break;
	case 2:
		for (uint64_t n = test_random(&seed) % 20; n; n--)
			smp_wait();
		break;
	case 3:
		sys_sleep(1 + test_random(&seed) % NAP_NS);
		break;
	case 4:
		smp_pin(smp_cpu((unsigned)(test_random(&seed) % 64)));
		break;
	case 5:
		page = map_memory(3 * 4096, PROT_WRITE);
		page[test_random(&seed) % (3 * 4096)] = 1;
		sys_unmap((uintptr_t)page, 3 * 4096);
		break;
	}
}

/* In a child: threads one after the other in @alive places, ended in any order, joined when their
 * place is needed. */
static int churn(uint64_t seed, unsigned lives)
{
	static struct user_thread thread[ALIVE];
	static uint64_t seeds[ALIVE];

	for (unsigned i = 0; i < lives; i++) {
		unsigned place = (unsigned)(test_random(&seed) % ALIVE);

		if (thread[place].tid)
			CHECK_EQUAL(thread_finish(&thread[place]), 0);
		seeds[place] = test_random(&seed);
		CHECK_EQUAL(thread_start(&thread[place], live, &seeds[place]), 0);
	}
	for (unsigned i = 0; i < ALIVE; i++)
		if (thread[i].tid)
			CHECK_EQUAL(thread_finish(&thread[i]), 0);
	printf("# %u threads came and went\n", lives);
	return test_result();
}

/* --- in a child: ways to end a process beside threads of every kind ------------------------- */

static struct user_thread other[ALIVE];

static void spin(void *unused)
{
	(void)unused;
	for (;;)
		smp_relax();
}

static void sleep_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		sys_sleep(0);
}

static void nap_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		sys_sleep(NAP_NS / 10);
}

static void yield_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		smp_wait();
}

static void join_the_first(void *unused)
{
	(void)unused;
	sys_thread_join((unsigned long)other[0].tid);
	sys_sleep(0);
}

static void map_for_ever(void *unused)
{
	(void)unused;
	for (;;) {
		char *page = map_memory(4096, PROT_WRITE);

		*page = 1;
		sys_unmap((uintptr_t)page, 4096);
		smp_relax();
	}
}

static void stand_by(void *unused)
{
	(void)unused;
	bystander_rounds(1, UINT64_MAX, NULL);
}

static void (*const kinds[ALIVE])(void *) = {
	spin, sleep_for_ever, nap_for_ever, yield_for_ever, join_the_first, map_for_ever, stand_by,
};

static void end_by_fault(void *unused)
{
	(void)unused;
	__asm__ volatile("hlt");
}

static void end_by_exit(void *unused)
{
	(void)unused;
	sys_exit(42);
}

/* @how: 0: the first thread returns, 1: another thread exits, 2: another thread faults. */
static int end_beside_others(unsigned how)
{
	struct user_thread last;

	for (unsigned i = 0; i < ALIVE; i++)
		CHECK_EQUAL(thread_start(&other[i], kinds[i], NULL), 0);
	for (unsigned i = 0; i < 10; i++)
		smp_wait();
	if (!how)
		return 42;
	CHECK_EQUAL(thread_start(&last, how == 1 ? end_by_exit : end_by_fault, NULL), 0);
	for (;;)
		sys_sleep(0);
}

/* --- in children: none of these keeps the other CPUs from running ---------------------------- */

static volatile bool arrived;
static volatile unsigned looks;

static void look(void *unused)
{
	(void)unused;
	for (smp_pin(smp_cpu(2));; looks++)
		smp_relax();
}

/* One thread waits for another. */
static int look_about(void)
{
	smp_pin(smp_cpu(0));
	CHECK_EQUAL(thread_start(&other[0], look, NULL), 0);
	while (looks < LOOKS)
		smp_wait();
	return test_result();
}

static void take_post(void *kind)
{
	smp_pin(smp_cpu(1));
	arrived = true;
	kinds[(uintptr_t)kind](NULL);
}

/*
 * A thread of a kind, alone in its process, on the CPU between those two. Under icount CPUs run in
 * turn, and the last one stands still for as long as the middle one takes what the first gives away
 * (tests/lib/smp.h). A hang here is the boot's time-out.
 */
static int take_turns(unsigned kind)
{
	smp_pin(smp_cpu(0));
	CHECK_EQUAL(thread_start(&other[0], take_post, (void *)(uintptr_t)kind), 0);
	while (!arrived)
		smp_wait();
	CHECK_EQUAL(run(PROGRAM, "child=look"), TEST_PASS);
	return test_result();
}

/* --- the parent ------------------------------------------------------------------------------ */

/* As many threads at once as there will ever be. */
static int fill_pools(void)
{
	struct user_thread thread[ALIVE + 1];

	for (unsigned i = 0; i < ALIVE + 1; i++)
		CHECK_EQUAL(thread_start(&thread[i], sleep_for_ever, NULL), 0);
	sys_sleep(20 * NAP_NS);
	return test_result();
}

static long start(const char *what, uint64_t number)
{
	char arg[40];
	long pid;

	snprintf(arg, sizeof(arg), "child=%s,%lu", what, number);
	pid = spawn(PROGRAM, arg);
	CHECK(pid > 0);
	return pid;
}

static void run_at_once(const char *what, uint64_t seed, unsigned n, long status)
{
	long pid[2 * CHURNERS];

	for (unsigned i = 0; i < n; i++)
		pid[i] = start(what, seed + i);
	for (unsigned i = 0; i < n; i++)
		CHECK_EQUAL(sys_wait((unsigned long)pid[i]), status);
}

static void run_everything(uint64_t seed, unsigned endings)
{
	run_at_once("churn", seed, CHURNERS, TEST_PASS);
	for (unsigned i = 0; i < endings; i++) {
		run_at_once("return", 0, 1, 42);
		run_at_once("exit", 0, 1, 42);
		run_at_once("fault", 0, 1, WAIT_KILLED | VECTOR_GP);
		/* while the dead are taken apart */
		CHECK_EQUAL(sys_bench_control(BENCH_CHECK, 0), 0);
	}
}

/* Without a tick: one would end the turn, sooner or later, of a thread that does not. */
static void everyone_gets_turns(void)
{
	smp_set_timers(0);
	for (unsigned kind = 0; kind < ALIVE && smp_count() > 2; kind++)
		run_at_once("turns", kind, 1, TEST_PASS);
}

static int child(const char *what)
{
	const char *number = what;

	while (*number && *number != ',')
		number++;
	if (starts_with(what, "churn"))
		return churn(parse_number(number + 1), LIVES);
	if (starts_with(what, "fill"))
		return fill_pools();
	if (starts_with(what, "look"))
		return look_about();
	if (starts_with(what, "turns"))
		return take_turns((unsigned)parse_number(number + 1));
	return end_beside_others(starts_with(what, "return") ? 0 :
				 starts_with(what, "exit")   ? 1 :
							       2);
}

int main(const char *arg, size_t len)
{
	struct balance before, after;
	uint64_t seed = test_seed(arg);

	(void)len;
	if (starts_with(arg, "child="))
		return child(arg + strlen("child="));
	everyone_gets_turns();
	smp_set_timers(1000);
	run_at_once("fill", 0, 2 * CHURNERS, TEST_PASS);
	run_everything(seed, 1);
	before = settle((struct balance){ 0, 0 }, PATIENCE / 20);
	CHECK_EQUAL(sys_bench_control(BENCH_CHECK, 0), 0);
	run_everything(seed + CHURNERS, ENDINGS);
	after = settle(before, PATIENCE);
	CHECK_EQUAL(after.frames, before.frames);
	CHECK_EQUAL(after.tables, before.tables);
	CHECK_EQUAL(sys_bench_control(BENCH_CHECK, 0), 0);
	smp_set_timers(TIMER_HZ_NORMAL);
	return test_result();
}
