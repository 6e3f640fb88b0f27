/* SPDX-License-Identifier: MIT */
/*
 * test_limits.c - a program takes all it can get, and others still get theirs.
 *
 * A child's limits are below its parent's, so whatever it does, its parent and the parent's other
 * children go on.
 */
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_limits"
#define MIB (1ul << 20)
#define TIMES 4
#define GENERATIONS 64
#define REGIONS 16000ul
#define REGION_BYTES 64		/* and more, of the kernel's memory */
#define CHARGED_AHEAD 128	/* frames that a process may be charged for and not use, at most */
#define SPARE (160 * 4096ul)	/* more than a program, and what is charged ahead */

static void touch(char *at, size_t len)
{
	for (size_t i = 0; i < len; i += 4096)
		at[i] = 1;
}

/* --- programs that take all --------------------------------------------------------------- */

/* Ended and never joined: each keeps its number. The parent is told by our end that we got no
 * more. */
static int thread_hog(void)
{
	long tid;

	do
		tid = sys_thread_create((uintptr_t)sys_thread_exit, 0, 0);
	while (tid > 0);
	CHECK_EQUAL(tid, -EAGAIN);
	tid = spawn(PROGRAM, "child=nothing");	/* which limit it meets depends on the machine's
						 * memory */
	CHECK(tid == -EAGAIN || tid == -ENOMEM);
	return test_result();
}

/* As many at once as it may have, all alive. */
static int thread_bomb(void)
{
	long tid;
	unsigned long n = 0;

	do {
		/* for ever, so it needs no stack */
		tid = sys_thread_create((uintptr_t)sys_sleep, 0, 0);
		n += tid > 0;
	} while (tid > 0);
	printf("# %lu threads at once, then error %ld\n", n, tid);
	CHECK(tid == -EAGAIN || tid == -ENOMEM);
	CHECK(n > 100);
	return test_result();
}

/* Each starts the next: generations end too. */
static int generations(unsigned long n)
{
	char arg[32];
	long pid;

	snprintf(arg, sizeof(arg), "child=generation,%lu", n + 1);
	pid = spawn(PROGRAM, arg);
	if (pid < 0)
		return n > 4 && n < GENERATIONS && pid == -EAGAIN ? 0 : (int)n;
	return (int)sys_wait((unsigned long)pid);
}

/* A page in each @step bytes, until it is killed. */
static int touch_all(size_t len, size_t step)
{
	char *all = map_memory(len, PROT_WRITE);

	CHECK(all != NULL);
	for (size_t i = 0; all && i < len; i += step)
		all[i] = 1;
	return TEST_FAIL;
}

/* --- what is charged ----------------------------------------------------------------------- */

static char words[64];

/* How many pages are to be had. The kernel's own copies fail where a touch would kill. */
static unsigned long pages_left(void)
{
	char *all = map_memory(1ul << 32, PROT_WRITE);
	unsigned long n = 0;

	CHECK(all != NULL);
	while (!sys_copy64((uintptr_t)words, (uintptr_t)all + n * 4096))
		n++;
	CHECK_EQUAL(sys_unmap((uintptr_t)all, 1ul << 32), 0);
	return n;
}

/* "child=touch,N": N bytes of memory. */
static int touch_new(size_t len)
{
	char *all = map_memory(len, PROT_WRITE);

	CHECK(all != NULL);
	touch(all, len);
	return test_result();
}

/* A child's argument for that. */
static const char *touching(size_t len)
{
	static char arg[40];

	snprintf(arg, sizeof(arg), "child=touch,%lu", len);
	return arg;
}

/* Bytes that a child may have, for it may have three quarters of what we may; but we cannot have
 * twice as much. */
static size_t large(void)
{
	return pages_left() * 2 / 3 * 4096;
}

/* Ranges that nobody touches are memory too: the kernel's, but on the account of who maps them. */
static int regions(void)
{
	static long at[REGIONS];
	unsigned long before = pages_left(), with;

	for (unsigned i = 0; i < REGIONS; i++)
		CHECK((at[i] = sys_map(4096, 0)) > 0);
	with = pages_left();
	printf("# %lu pages, beside %lu ranges %lu\n", before, REGIONS, with);
	CHECK(before - with >= REGIONS * REGION_BYTES / 4096);
	for (unsigned i = 0; i < REGIONS; i++)
		CHECK_EQUAL(sys_unmap((unsigned long)at[i], 4096), 0);
	CHECK(pages_left() + CHARGED_AHEAD >= before);
	return test_result();
}

/* In a child: a thread takes a few frames, so the limit is met at one place after the other on a
 * program's way. It is the limit that is told of, for the machine has memory. */
static int no_room_for_a_program(void)
{
	char *all = map_memory(1ul << 32, PROT_WRITE), *spare = map_memory(SPARE, PROT_WRITE);
	unsigned long started = 0;
	long pid, tid;

	touch(spare, SPARE);
	while (!sys_copy64((uintptr_t)words, (uintptr_t)all))
		all += 4096;
	CHECK_EQUAL(sys_unmap((uintptr_t)spare, SPARE), 0);
	do {
		pid = run(PROGRAM, "child=nothing");
		/* killed for want of a stack */
		CHECK(pid == 0 || pid == (WAIT_KILLED | 14) || pid == -EAGAIN);
		started += pid == 0;
		tid = sys_thread_create((uintptr_t)sys_sleep, 0, 0);
	} while (tid > 0);
	CHECK_EQUAL(tid, -EAGAIN);
	CHECK(started > 0 && pid == -EAGAIN);
	return test_result();
}

/* --- and others --------------------------------------------------------------------------- */

static volatile bool hog_ended;
static volatile long hog_status;

static void wait_for_hog(void *pid)
{
	hog_status = sys_wait((unsigned long)pid);
	hog_ended = true;
}

/* While @hog is at it, and right before its end: threads, programs and memory are to be had. */
static void beside(const char *hog, long status)
{
	struct user_thread waiter;
	long pid = spawn(PROGRAM, hog);
	unsigned long runs = 0;

	CHECK(pid > 0);
	hog_ended = false;
	CHECK_EQUAL(thread_start(&waiter, wait_for_hog, (void *)pid), 0);
	do {
		if (!CHECK_EQUAL(run(PROGRAM, "child=small"), 0))
			break;
		runs++;
	} while (!hog_ended);
	CHECK_EQUAL(thread_finish(&waiter), 0);
	CHECK_EQUAL(hog_status, status);
	printf("# beside %s: %lu programs\n", hog, runs);
}

static void do_nothing(void *unused)
{
	(void)unused;
}

/* A modest program: some threads, some memory. */
static int small(void)
{
	struct user_thread t[4];
	char *page = map_memory(MIB, PROT_WRITE);

	CHECK(page != NULL);
	touch(page, MIB);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQUAL(thread_start(&t[i], do_nothing, NULL), 0);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQUAL(thread_finish(&t[i]), 0);
	return test_result();
}

/* --- memory of the dead ------------------------------------------------------------------- */

static volatile bool busy;

static void keep_busy(void *cpu)
{
	smp_pin((unsigned)(uintptr_t)cpu);
	while (busy)
		smp_relax();
}

/* No CPU is idle, so nobody frees what the dead had before it is needed. */
static void large_ones_in_turn(void)
{
	static struct user_thread t[64];
	unsigned cpus = smp_count();
	const char *arg = touching(large());

	busy = true;
	for (unsigned i = 0; i < cpus; i++)
		CHECK_EQUAL(thread_start(&t[i], keep_busy, (void *)(uintptr_t)smp_cpu(i)), 0);
	for (unsigned i = 0; i < TIMES; i++)
		CHECK_EQUAL(run(PROGRAM, arg), 0);
	busy = false;
	for (unsigned i = 0; i < cpus; i++)
		CHECK_EQUAL(thread_finish(&t[i]), 0);
}

static volatile bool touched;
static size_t short_of;

static void touch_large(void *at)
{
	touch(at, short_of);
	touched = true;
}

/* In a child: a thread waits for what the dead have, and is stopped meanwhile. It must get it all
 * the same. */
static int stopped_while_short(void)
{
	struct user_thread busy_one, short_one;
	unsigned long stops = 0;
	char *at;

	short_of = large();
	sys_bench_control(BENCH_TIMER_HZ, 10000);
	busy = true;
	CHECK_EQUAL(thread_start(&busy_one, keep_busy, (void *)(uintptr_t)smp_cpu(0)), 0);
	CHECK_EQUAL(run(PROGRAM, touching(short_of)), 0);
	at = map_memory(short_of, PROT_WRITE);
	touched = false;
	CHECK_EQUAL(thread_start(&short_one, touch_large, at), 0);
	for (; !touched; stops++) {
		long error = sys_thread_stop((unsigned long)short_one.tid);

		CHECK(!error || error == -ESRCH);
		sys_thread_resume((unsigned long)short_one.tid);
		sys_yield();
	}
	busy = false;
	CHECK_EQUAL(thread_finish(&short_one), 0);
	CHECK_EQUAL(thread_finish(&busy_one), 0);
	sys_bench_control(BENCH_TIMER_HZ, TIMER_HZ_NORMAL);
	printf("# stopped %lu times while it touched its memory\n", stops);
	return test_result();
}

/* On one CPU: a child ends while we are ready all the time, nobody waits for it, and then we need
 * its memory. */
static int need_it_ourselves(void)
{
	size_t len = large();
	char *all;

	if (smp_count() > 1)
		return 0;
	CHECK(spawn(PROGRAM, touching(len)) > 0);
	for (unsigned i = 0; i < 50000; i++)
		sys_yield();
	all = map_memory(len, PROT_WRITE);
	touch(all, len);
	return test_result();
}

static int child(const char *what)
{
	static const struct {
		const char *name;
		int (*body)(void);
	} bodies[] = {
		{ "thread_hog", thread_hog }, { "thread_bomb", thread_bomb }, { "small", small },
		{ "regions", regions },
		{ "no_room", no_room_for_a_program },
		{ "stopped_while_short", stopped_while_short },
		{ "need_it_ourselves", need_it_ourselves },
	};

	if (starts_with(what, "generation,"))
		return generations(parse_number(what + strlen("generation,")));
	if (!strcmp(what, "memory_hog"))
		return touch_all(1ul << 32, 4096);
	if (!strcmp(what, "table_hog"))
		return touch_all(1ul << 45, 1ul << 30);		/* memory goes into page tables */
	if (starts_with(what, "touch,"))
		return touch_new(parse_number(what + strlen("touch,")));
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		if (!strcmp(what, bodies[i].name))
			return bodies[i].body();
	return 0;
}

int main(const char *arg, size_t len)
{
	size_t most;

	(void)len;
	if (starts_with(arg, "child="))
		return child(arg + strlen("child="));
	most = pages_left() * 5 / 7 * 4096;		/* nearly all that a child may have */
	CHECK_EQUAL(run(PROGRAM, "child=generation,1"), 0);
	CHECK_EQUAL(run(PROGRAM, "child=need_it_ourselves"), 0);
	large_ones_in_turn();
	CHECK_EQUAL(run(PROGRAM, "child=regions"), 0);
	CHECK_EQUAL(run(PROGRAM, "child=no_room"), 0);
	if (smp_count() == 1)		/* others would bury the dead meanwhile */
		CHECK_EQUAL(run(PROGRAM, "child=stopped_while_short"), 0);
	beside("child=thread_hog", 0);
	beside("child=memory_hog", WAIT_KILLED | 14);
	beside("child=table_hog", WAIT_KILLED | 14);
	beside("child=thread_bomb", 0);
	CHECK_EQUAL(run(PROGRAM, touching(most)), 0);	/* what the bomb's threads had is there
							 * again */
	return test_result();
}
