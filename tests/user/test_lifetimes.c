/* SPDX-License-Identifier: MIT */
/*
 * test_lifetimes.c - threads and processes that are found while they come and go.
 *
 * A join or a wait is answered once, to the one who has the claim; what is not there yet is not
 * found; what nobody can ask after any more is freed.
 */
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_lifetimes"
#define JOIN_ROUNDS 50
#define SPAWNS 500
#define ORPHANS 40
#define TIDS 64

static unsigned long tid_of(const struct user_thread *t)
{
	return (unsigned long)t->tid;
}

/* --- two who join one thread ------------------------------------------------------------- */

static struct user_thread joined;
static volatile bool joining;
static volatile long joiners_result;

static void sleep_once(void *unused)
{
	(void)unused;
	sys_sleep(0);
}

static void join_it(void *unused)
{
	(void)unused;
	joining = true;
	joiners_result = sys_thread_join(tid_of(&joined));
}

/* The thread ends while another waits for it; before that one runs again we ask too. */
static void join_twice(void)
{
	struct user_thread joiner;
	long result;

	joining = false;
	joiners_result = 1;
	CHECK_EQUAL(thread_start(&joined, sleep_once, NULL), 0);
	CHECK_EQUAL(thread_start(&joiner, join_it, NULL), 0);
	while (!joining)
		smp_wait();
	for (int i = 0; i < 4; i++)
		smp_wait();
	sys_wake(tid_of(&joined));
	sys_yield();
	result = sys_thread_join(tid_of(&joined));
	CHECK_EQUAL(thread_finish(&joiner), 0);
	/* The claim is the joiner's unless we came before it, which on several CPUs may be. */
	CHECK((result == 0) + (joiners_result == 0) == 1);
	CHECK(result == 0 || result == -EINVAL || result == -ESRCH);
	sys_unmap((uintptr_t)joined.stack, THREAD_STACK_SIZE);
}

/* As many threads at once as fit into the table below, each with a number of its own, each joined
 * once. */
static void tids_are_unique(void)
{
	static long tid[TIDS];

	for (unsigned i = 0; i < TIDS; i++) {
		tid[i] = sys_thread_create((uintptr_t)sys_thread_exit, 0, 0);
		CHECK(tid[i] > 0);
		for (unsigned j = 0; j < i; j++)
			CHECK(tid[i] != tid[j]);
	}
	for (unsigned i = 0; i < TIDS; i++)
		CHECK_EQUAL(sys_thread_join((unsigned long)tid[i]), 0);
}

/* A joiner that gives up leaves the claim to others. */
static void a_stopped_joiner_gives_up(void)
{
	struct user_thread joiner;

	joining = false;
	CHECK_EQUAL(thread_start(&joined, sleep_once, NULL), 0);
	CHECK_EQUAL(thread_start(&joiner, join_it, NULL), 0);
	while (!joining)
		smp_wait();
	CHECK_EQUAL(sys_thread_stop(tid_of(&joiner)), 0);
	sys_wake(tid_of(&joined));
	CHECK_EQUAL(thread_finish(&joined), 0);
	CHECK_EQUAL(sys_thread_resume(tid_of(&joiner)), 0);
	CHECK_EQUAL(thread_finish(&joiner), 0);
	CHECK(joiners_result == -EINTR || joiners_result == -ESRCH);
}

/* --- a process that is not there yet ------------------------------------------------------ */

static volatile bool guessing;
static volatile unsigned long guess;
static volatile unsigned long found, slept;

/* Ask for children by number, ahead of the one who makes them. */
static void guess_pids(void *unused)
{
	(void)unused;
	for (unsigned i = 0; guessing; i++) {
		long status = sys_wait(guess);

		if (status == -EINTR)
			slept++;
		else if (status != -ECHILD)
			found++;
		if (i % 64 == 0)
			smp_wait();	/* or on one CPU each spawn waits for our turn's end */
	}
}

/* Fill our share of the thread table with threads that have ended, so that a process cannot get its
 * first one. */
static void fill_table(void)
{
	long error;

	do
		error = sys_thread_create((uintptr_t)sys_thread_exit, 0, 0);
	while (error > 0);
	CHECK_EQUAL(error, -EAGAIN);
}

/* In a child, which leaves the table full: spawns that fail, late, while somebody waits for what
 * they make. */
static int spawn_in_vain(void)
{
	struct user_thread guesser;
	long last = spawn(PROGRAM, "child=nothing"), pid;

	CHECK_EQUAL(sys_wait((unsigned long)last), 0);
	guess = (unsigned long)last + 1;
	guessing = true;
	CHECK_EQUAL(thread_start(&guesser, guess_pids, NULL), 0);
	fill_table();
	for (unsigned i = 0; i < SPAWNS; i++) {
		pid = spawn(PROGRAM, "child=nothing");
		CHECK(pid == -EAGAIN || pid == -ENOMEM);
		guess++;
		if (i % 16 == 0)
			smp_wait();
	}
	/* Were it waiting for something that is freed, it would look there now. */
	CHECK_EQUAL(sys_thread_stop(tid_of(&guesser)), 0);
	guessing = false;
	CHECK_EQUAL(sys_thread_resume(tid_of(&guesser)), 0);
	CHECK_EQUAL(thread_finish(&guesser), 0);
	CHECK_EQUAL(found, 0);
	CHECK_EQUAL(slept, 0);	/* for a process that never was */
	return test_result();
}

/* A sibling that is faster than spawn() takes the child's end away: spawn() still returns the
 * child's own pid. */
static void spawn_and_lose(void)
{
	struct user_thread guesser;
	long last = spawn(PROGRAM, "child=nothing"), pid;

	CHECK_EQUAL(sys_wait((unsigned long)last), 0);
	found = 0;
	guess = (unsigned long)last + 1;
	guessing = true;
	CHECK_EQUAL(thread_start(&guesser, guess_pids, NULL), 0);
	for (unsigned i = 0; i < SPAWNS; i++) {
		pid = spawn(PROGRAM, "child=nothing");
		CHECK(pid > last);
		guess = (unsigned long)pid + 1;
		while (sys_wait((unsigned long)pid) == -ECHILD && found == 0)
			smp_wait();
		found = 0;
		last = pid;
	}
	guessing = false;
	CHECK_EQUAL(thread_finish(&guesser), 0);
}

/* --- what nobody can ask after ------------------------------------------------------------ */

/* In a child: end without asking after children, of which some have ended and some have not. */
static int leave_orphans(void)
{
	long pid;

	for (unsigned i = 0; i < ORPHANS; i++) {
		pid = spawn(PROGRAM, i & 1 ? "child=nothing" : "child=yield");
		CHECK(pid > 0);
	}
	for (unsigned i = 0; i < 100; i++)
		smp_wait();
	return test_result();
}

/* Without what the kernel's pools hold for the next thread. */
static long objects(void)
{
	sys_bench_control(BENCH_SHRINK, 0);
	return sys_bench_control(BENCH_HEAP_OBJECTS, 0);
}

/* The first process's thread and ours are all that is left of earlier programs and of ours. */
static void wait_until_alone(void)
{
	while (sys_bench_control(BENCH_TIDS, 0) > 2)
		smp_wait();
}

static void orphans_are_freed(void)
{
	long before;

	wait_until_alone();
	before = objects();
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQUAL(run(PROGRAM, "child=orphans"), 0);
	wait_until_alone();		/* those that live on end by themselves */
	CHECK_EQUAL(objects(), before);
}

static int child(const char *what)
{
	if (!strcmp(what, "yield"))
		for (int i = 0; i < 200; i++)
			sys_yield();
	if (!strcmp(what, "in_vain"))
		return spawn_in_vain();
	if (!strcmp(what, "orphans"))
		return leave_orphans();
	return 0;
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (starts_with(arg, "child="))
		return child(arg + strlen("child="));
	for (unsigned i = 0; i < JOIN_ROUNDS; i++)
		join_twice();
	tids_are_unique();
	a_stopped_joiner_gives_up();
	CHECK_EQUAL(run(PROGRAM, "child=in_vain"), 0);
	spawn_and_lose();
	orphans_are_freed();
	return test_result();
}
