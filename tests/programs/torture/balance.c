/* SPDX-License-Identifier: MIT */
/* balance.c - frames and page-table pages: as many after as before. */
#include "torture.h"
#include "print.h"
#include "test.h"
#include "thread.h"
#include "user.h"
#include "tests/probe/abi.h"

/* In each of the processes that fill the pools; what each program of acts.c does stays below. */
#define THREADS 40
#define MAPS 700
#define PROCESSES 16		/* for each runner */
#define NAP_NS 1000000
#define SOON 500		/* naps in which everything of the past is gone */

static struct balance count(void)
{
	return (struct balance){ sys_bench_control(BENCH_FRAMES_USED, 0),
				 sys_bench_control(BENCH_PT_PAGES, 0) };
}

struct balance settle(struct balance wanted, unsigned naps)
{
	struct balance now = count();

	for (unsigned i = 0; i < naps && (now.frames > wanted.frames || now.tables > wanted.tables);
	     i++) {
		sys_sleep(NAP_NS);
		now = count();
	}
	return now;
}

static void sleep_until_woken(void *unused)
{
	(void)unused;
	sys_sleep(0);
}

/* Says through its exit code that it had everything at once. It naps until the others have, too. */
int fill_child(const char *what)
{
	static struct user_thread thread[THREADS];

	if (*what == 'm') {
		for (unsigned i = 0; i < THREADS; i++)
			CHECK_EQUAL(thread_start(&thread[i], sleep_until_woken, NULL), 0);
		for (unsigned i = 0; i < MAPS; i++)
			CHECK(map_memory(4096, PROT_WRITE) != NULL);
	}
	for (unsigned i = 0; i < SOON; i++)
		sys_sleep(NAP_NS);
	return test_result();
}

struct balance fill_pools(unsigned runners)
{
	static long pid[PROCESSES * 16];

	for (unsigned i = 0; i < PROCESSES * runners; i++) {
		pid[i] = spawn("torture", i < runners ? "child=many" : "child=few");
		CHECK(pid[i] > 0);
	}
	for (unsigned i = 0; i < PROCESSES * runners; i++)
		CHECK_EQUAL(sys_wait((unsigned long)pid[i]), TEST_PASS);
	return settle((struct balance){ 0, 0 }, SOON);
}
