/* SPDX-License-Identifier: MIT */
/*
 * test_meltdown.c - Meltdown's view: who reads which secret through a user root when U/S does not
 * count?
 *
 * On one table for user and kernel everybody reads everything.  With a table for each, nobody reads
 * what only the kernel or another process has; what happens to the registers of a sleeping thread
 * is the design's own matter, and is printed.  "At once" is before anybody has entered the kernel
 * after the sleeper, or left it: a reader on the same CPU comes too late for that, one on another
 * CPU does not.
 */
#include "print.h"
#include "secrets.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "user.h"
#include "tests/probe/abi.h"

#define BIT(secret)	(1ul << (secret))
#define ALL		(BIT(SECRETS) - 1)
#define PLANTED		(ALL & ~BIT(SECRET_NOWHERE))
#define KERNELS_OWN (BIT(SECRET_DATA) | BIT(SECRET_HEAP) | BIT(SECRET_KSTACK) | BIT(SECRET_PERCPU))
#define NOT_REGISTERS	(KERNELS_OWN | BIT(SECRET_PROCESS))
#define SUCCESSORS	4

static bool is_split(void)
{
	return sys_bench_control(BENCH_SPLIT, 0) == 1;
}

static const char *word(uint64_t set, unsigned secret)
{
	return set & BIT(secret) ? "reads" : "-";
}

static void print_table(const struct sightings *s)
{
	printf("# %10s  %10s  %10s  %18s  %18s\n", "secret", "unrelated", "sibling",
	       "unrelated, at once", "sibling, at once");
	for (unsigned i = 0; i < SECRET_NOWHERE; i++)
		printf("# %10s  %10s  %10s  %18s  %18s\n", secret_names[i], word(s->unrelated, i),
		       word(s->sibling, i), word(s->unrelated_at_once, i),
		       word(s->sibling_at_once, i));
}

/* In a child, so that there is somebody to come after it. */
static int victim(void)
{
	struct sightings s;

	if (!CHECK_EQUAL(secrets_expose(&s, ALL), 0))
		return TEST_FAIL;
	print_table(&s);
	if (!is_split()) {
		CHECK_EQUAL(s.unrelated, PLANTED);
		CHECK_EQUAL(s.sibling, PLANTED);
		CHECK_EQUAL(s.unrelated_at_once, PLANTED);
		return test_result();
	}
	CHECK_EQUAL(s.unrelated & ~BIT(SECRET_REGISTERS), 0);
	CHECK_EQUAL(s.unrelated_at_once & ~BIT(SECRET_REGISTERS), 0);
	/* Its own memory a process reads, of course; the kernel's it does not. */
	CHECK_EQUAL(s.sibling & ~BIT(SECRET_REGISTERS), BIT(SECRET_PROCESS));
	CHECK_EQUAL(s.sibling_at_once & NOT_REGISTERS, BIT(SECRET_PROCESS));
	return test_result();
}

static void sleep_until_woken(void *unused)
{
	(void)unused;
	sys_sleep(0);
}

/* What a CPU's entry stack holds is overwritten by whoever comes in there next. */
static void enter_on_each_cpu(void)
{
	for (unsigned i = 0; i < smp_count(); i++)
		smp_pin(smp_cpu(i));
	smp_unpin();
}

/* The dead victim's stacks go to this process's next threads: they must come without what it left
 * there. */
static void succeed(void)
{
	struct user_thread thread[SUCCESSORS];

	for (int i = 0; i < SUCCESSORS; i++)
		CHECK_EQUAL(thread_start(&thread[i], sleep_until_woken, NULL), 0);
	enter_on_each_cpu();
	CHECK_EQUAL(sys_bench_control(BENCH_LOOK, ALL), 0);
	for (int i = 0; i < SUCCESSORS; i++) {
		sys_wake((unsigned long)thread[i].tid);
		thread_finish(&thread[i]);
	}
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (!strcmp(arg, "victim"))
		return victim();
	CHECK_EQUAL(sys_bench_control(BENCH_TIMER_HZ, 0), 0);
	CHECK_EQUAL(run("test_meltdown", "victim"), TEST_PASS);
	if (is_split())
		succeed();
	CHECK_EQUAL(sys_bench_control(BENCH_TIMER_HZ, TIMER_HZ_NORMAL), 0);
	return test_result();
}
