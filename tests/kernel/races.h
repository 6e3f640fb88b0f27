/* SPDX-License-Identifier: MIT */
/*
 * races.h - two system calls at once, one stopped at a chosen instruction: the kernel's part, and its operations.
 *
 * The program user/races has a thread A make call X and a thread B call Y. An NMI stops A at X's k-th instruction,
 * and its body holds A there until B is done with Y, or waits for something. Only with tests=; nothing here runs on a
 * measured path. Exact under -icount only.
 */
#ifndef TESTS_RACES_H
#define TESTS_RACES_H

#include <stdint.h>

/* bench_control(BENCH_RACE + one of these, arg). */
#define RACE_BEGIN	0	/* NMIs are taken from now on; or -EBUSY */
#define RACE_END	1
#define RACE_NEW	2	/* a new run: nobody has a part, nothing has come */
#define RACE_PART	3	/* arg: address of the caller's phase word | RACE_A or RACE_B: the caller has that
				 * part, on the CPU that it is on, until RACE_NEW */
#define RACE_SET	4	/* arg: a flag, RACE_A..: A, B may begin; the run is over */
#define RACE_IS		5	/* arg: a flag; is it set? */
#define RACE_ARM	6	/* A: arg: instructions from now on until the NMI; 0: none */
#define RACE_DONE_A	7	/* arg: the result of A's call, which has come back */
#define RACE_DONE_B	8
#define RACE_POLL	9	/* how things stand: RACE_READY.. */
#define RACE_LOOK	10	/* arg: RACE_LOOK_CLASS.. */
#define RACE_QUIET	11	/* arg: CPU; 1 when it idles and has nothing to do */
#define RACE_SAY	12	/* arg: kernel address: print its symbol, for a report */
#define RACE_WAITS	13	/* print what B waited for since the last time, as RACE lines */
#define RACE_INTERRUPT	14	/* arg: vector: an interrupt to the caller's CPU, taken on the way to user mode */
#define RACE_OPS	15

#define RACE_A		0	/* parts, and flags */
#define RACE_B		1
#define RACE_OVER	2

/* The phase word, in the program's memory: what it is at, for whoever looks while the thread runs. */
#define PHASE_BEFORE	0
#define PHASE_CALL	1
#define PHASE_BEHIND	2

/* RACE_POLL: of B << RACE_OF_B. */
#define RACE_READY	1	/* has its part */
#define RACE_ASLEEP	2	/* its CPU idles */
#define RACE_DONE	4	/* its call has come back */
#define RACE_OF_B	4
#define RACE_LANDED	256	/* the NMI has come */
#define RACE_HOLDS	512	/* and holds A just now */

/* RACE_LOOK. */
#define RACE_LOOK_CLASS	0	/* where the NMI came: LANDED_* */
#define RACE_LOOK_RIP	1
#define RACE_LOOK_LEFT	2	/* iterations that are left of the REP instruction there, or 0 */
#define RACE_LOOK_HOW	3	/* how the hold ended: HELD_* */
#define RACE_LOOK_WAITS	4	/* HELD_WAITS: where B was */
#define RACE_LOOK_A	5	/* results; RACE_NO_RESULT when there is none */
#define RACE_LOOK_B	6
#define RACE_NO_RESULT	(-100000)

#define LANDED_NOT	0
#define LANDED_BEFORE	1	/* X has not begun */
#define LANDED_IN	2	/* in the kernel, in X: A was held */
#define LANDED_APART	3	/* A sleeps, or is no more, and its CPU does nothing */
#define LANDED_BEHIND	4	/* X has come back */

#define HELD_NOT	0
#define HELD_DONE	1	/* until Y came back */
#define HELD_ASLEEP	2	/* until B slept, or was no more */
#define HELD_WAITS	3	/* until B had waited for long, at RACE_LOOK_WAITS, for what only A can give */
#define HELD_PANIC	4	/* a panic wants this CPU */

int64_t races_control(uint64_t op, uint64_t arg);

#endif
