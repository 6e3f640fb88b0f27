/* SPDX-License-Identifier: MIT */
/*
 * test_smp_migrate.c - enter on one CPU, leave from another, with every register watched.
 *
 * With BENCH_MIGRATE each yield and each wake moves a thread. Some processes with a few threads
 * each do nothing but that, in turn by yield(), by sleep() until a sibling wakes them, by sleep()
 * until a time, and by being preempted in user mode at 10 kHz. make torture does the same for
 * minutes.
 */
#include "bystander.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_smp_migrate"
#define PAIRS 2			/* of threads, in each process */
#define PROCESSES_MAX 8
#define CALLS 24000		/* in all; divided among the threads */
#define STAYED 3	/* exit code: nothing went wrong, but few calls moved their thread */
#define STORM_HZ 10000
#define NAP_NS 200000

struct walker {
	struct user_thread thread;
	struct walker *partner;
	uint64_t id, rounds;
	uint64_t round;		/* the one it is in; from 1 */
	uint64_t calls, moved;	/* that could move it; that did */
	bool good;
};

/* One call, all registers watched. */
static void call(struct walker *w, struct bystander *b, uint64_t number, uint64_t arg,
		 long other_result)
{
	long before = sys_cpu(), result;

	w->good &= bystander_call_round(b, number, arg, &result);
	w->calls++;
	w->moved += sys_cpu() != before;
	if (result && result != other_result) {
		printf("# system call %lu returned %ld\n", number, result);
		w->good = false;
	}
}

/* Neither partner is ever more than a round ahead: it sleeps until the other has come. */
static void meet(struct walker *w, struct bystander *b)
{
	__atomic_store_n(&w->round, w->round + 1, __ATOMIC_SEQ_CST);
	sys_wake((unsigned long)w->partner->thread.tid);
	while (w->good && __atomic_load_n(&w->partner->round, __ATOMIC_SEQ_CST) < w->round)
		call(w, b, SYS_sleep, 0, 0);
}

static void walk(void *arg)
{
	struct walker *w = arg;
	struct bystander b;

	while (!__atomic_load_n(&w->partner->thread.tid, __ATOMIC_RELAXED))
		smp_wait();
	w->good = bystander_begin(&b, w->id);
	while (w->good && w->round < w->rounds) {
		call(w, &b, SYS_yield, w->round, 0);
		w->good &= bystander_spin_round(&b);
		meet(w, &b);
		if (w->round % 4 == 0)
			call(w, &b, SYS_sleep, NAP_NS, -ETIMEDOUT);
	}
	bystander_end();
	/* One that found an error lets the other go. */
	__atomic_store_n(&w->round, UINT64_MAX, __ATOMIC_SEQ_CST);
	sys_wake((unsigned long)w->partner->thread.tid);
}

/* In a child: a process's pairs. Prints what they did, for the host to read. */
static int walk_all(uint64_t id, uint64_t rounds)
{
	static struct walker w[2 * PAIRS];
	uint64_t calls = 0, moved = 0;
	bool good = true;

	for (unsigned i = 0; i < 2 * PAIRS; i++)
		w[i] = (struct walker){ .partner = &w[i ^ 1],
					.id = id * 2 * PAIRS + i,
					.rounds = rounds };
	for (unsigned i = 0; i < 2 * PAIRS; i++)
		good &= CHECK_EQUAL(thread_start(&w[i].thread, walk, &w[i]), 0);
	for (unsigned i = 0; i < 2 * PAIRS && good; i++) {
		CHECK_EQUAL(thread_finish(&w[i].thread), 0);
		CHECK(w[i].good);
		calls += w[i].calls;
		moved += w[i].moved;
	}
	printf("# process %lu: %lu of %lu calls began on one CPU and ended on another\n", id, moved,
	       calls);
	if (test_result() == TEST_PASS && moved <= calls / 4)
		return STAYED;
	return test_result();
}

static void run_processes(unsigned processes)
{
	long pid[PROCESSES_MAX];
	char arg[64];

	for (unsigned i = 0; i < processes; i++) {
		snprintf(arg, sizeof(arg), "child=%u,%u", i, CALLS / 3 / processes / (2 * PAIRS));
		pid[i] = spawn(PROGRAM, arg);
		CHECK(pid[i] > 0);
	}
	for (unsigned i = 0; i < processes; i++)
		CHECK_EQUAL(sys_wait((unsigned long)pid[i]), TEST_PASS);
}

static int child(const char *what)
{
	uint64_t id = parse_number(what);

	while (*what && *what != ',')
		what++;
	return walk_all(id, parse_number(what + 1));
}

int main(const char *arg, size_t len)
{
	unsigned cpus = smp_count();

	(void)len;
	if (starts_with(arg, "child="))
		return child(arg + strlen("child="));
	if (cpus == 1) {
		printf("# SKIP one CPU: there is nowhere to go\n");
		return TEST_SKIP;
	}
	smp_set_timers(STORM_HZ);
	CHECK_EQUAL(sys_bench_control(BENCH_MIGRATE, 1), 0);
	run_processes(cpus + 1 < PROCESSES_MAX ? cpus + 1 : PROCESSES_MAX);
	CHECK_EQUAL(sys_bench_control(BENCH_MIGRATE, 0), 0);
	smp_set_timers(TIMER_HZ_NORMAL);
	return test_result();
}
