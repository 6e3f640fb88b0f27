/* SPDX-License-Identifier: MIT */
/*
 * invariants.h - everything that the kernel keeps, looked at while all CPUs stand still.
 *
 * Each part is a walk over one kind of object; it compares what is written down twice (a list and a
 * count, a claim and a sleeper, a budget and what is charged to it) and what one thing promises of
 * another (a page lies in a region). docs/testing.md tells how to add one.
 */
#ifndef TESTS_INVARIANTS_H
#define TESTS_INVARIANTS_H

#include <stdbool.h>
#include <stdint.h>

struct process;

/* What is wrong, in plain words, good until the next call; or NULL. On any CPU, kernel table,
 * IRQs off, no lock held. Other CPUs stand still meanwhile, and their interrupts wait. */
const char *invariants_check(void);
/* bench_control(BENCH_CHECK): 0, or -EINVAL with the reason on the console. */
int64_t invariants_control(void);

/* --- between its parts ------------------------------------------------------------ */

/* For a part: end it, saying what is wrong, unless @cond holds. */
#define MUST(cond, ...)						\
	do {							\
		if (!(cond))					\
			return invariant_broken(__VA_ARGS__);	\
	} while (0)

const char *invariant_broken(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A copy of what invariant_broken() has said, good for longer than its next call. */
const char *invariant_kept(const char *wrong);

/* The calls that start a program: kernel/syscalls.def. */
#define SYS_SPAWN	9
#define SYS_SPAWN_WITH	27

/* What a part counts and a later one compares. */
struct invariants {
	uint64_t threads;		/* of all processes */
	uint64_t queued, sleepers, dead;	/* of these: in a run queue, among timed
						 * sleepers, not reaped */
	uint64_t trampolines;		/* that they have */
	uint64_t spawning;		/* whose last call was a spawn() or spawn_with(), or is */
	uint64_t unpublished;	/* processes that are being started, which nobody can find */
};

/* In this order. check_processes.c: */
const char *check_processes(struct invariants *i);
/* check_threads.c: the threads of @p */
const char *check_threads(const struct process *p, struct invariants *i);
const char *check_queues(const struct invariants *i);
/* check_claims.c: who waits for whom, and the thread ids of @p */
const char *check_claims(const struct process *p);
/* check_budgets.c */
const char *check_budgets(struct invariants *i);
/* check_spaces.c: regions, and the sets of CPUs */
const char *check_regions(void);
const char *check_cpus(void);
/* check_pages.c: page tables and frames */
const char *check_pages(const struct invariants *i);

#endif
