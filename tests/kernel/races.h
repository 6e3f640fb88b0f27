/* SPDX-License-Identifier: MIT */
/*
 * races.h - two system calls at once, one stopped at a chosen instruction: the kernel's part, and
 * its operations.
 *
 * The program tests/programs/races has a thread A make call X and a thread B call Y. An NMI stops A
 * at X's k-th instruction, and its body holds A there until B is done with Y, or waits for
 * something. Only with tests=; nothing here runs on a measured path. Exact under -icount only.
 */
#ifndef TESTS_RACES_H
#define TESTS_RACES_H

#include <stdint.h>

/* bench_control(BENCH_RACE + one of these, arg). */
#define RACE_BEGIN	0	/* NMIs are taken from now on; or -EBUSY */
#define RACE_END	1
#define RACE_NEW	2	/* a new run: nobody has a part, nothing has come */
#define RACE_PART	3	/* arg: address of the caller's phase word | RACE_A..: the caller
				 * has that part, on the CPU that it is on, until RACE_NEW */
#define RACE_SET	4	/* arg: a flag, RACE_A..: A, B, C may begin; the run is over */
#define RACE_IS		5	/* arg: a flag; is it set? */
#define RACE_ARM	6	/* A, B: arg: instructions from now on until the caller's NMI; 0:
				 * none */
#define RACE_DONE	7	/* arg: the result of the caller's call, which has come back */
#define RACE_POLL	8	/* how things stand: RACE_READY.. */
#define RACE_LOOK	9	/* arg: RACE_LOOK_CLASS.. | part << 8 */
#define RACE_QUIET	10	/* arg: CPU; 1 when it idles and has nothing to do */
#define RACE_SAY	11	/* arg: kernel address: print its symbol, for a report */
#define RACE_WAITS	12	/* print what B waited for since the last time, as RACE lines */
#define RACE_INTERRUPT	13	/* arg: vector: an interrupt to the caller's CPU, taken on the
				 * way to user mode */
#define RACE_OPS	14

#define RACE_A		0	/* parts, and flags: is held; */
#define RACE_B		1	/* runs meanwhile; */
#define RACE_C		2	/* may be: runs after that */
#define RACE_PARTS	3
#define RACE_OVER	3

/* The phase word, in the program's memory: what it is at, for whoever looks while the thread
 * runs. */
#define PHASE_BEFORE	0
#define PHASE_CALL	1
#define PHASE_BEHIND	2

/* RACE_POLL: the first three of part n << n * RACE_SHIFT. */
#define RACE_READY	1	/* has its part */
#define RACE_ASLEEP	2	/* its CPU idles */
#define RACE_CAME_BACK	4	/* its call has */
#define RACE_SHIFT	4
#define RACE_LANDED	(1 << 16)	/* A's NMI has come */
#define RACE_HOLDS	(1 << 17)	/* and holds A just now */

/* RACE_LOOK. */
#define RACE_LOOK_CLASS	0	/* where the part's NMI came: LANDED_* */
#define RACE_LOOK_RIP	1
#define RACE_LOOK_LEFT	2	/* iterations that are left of the REP instruction there, or 0 */
#define RACE_LOOK_HOW	3	/* how the hold ended: HELD_* */
#define RACE_LOOK_LOCKS	4	/* the instruction there may take a lock, or give one back */
#define RACE_LOOK_PAUSES 6	/* it is behind a PAUSE: the others have their turns */
#define RACE_LOOK_RESULT 5	/* RACE_NO_RESULT when there is none */
#define RACE_NO_RESULT	(-100000)

#define LANDED_NOT	0
#define LANDED_BEFORE	1	/* the call has not begun */
#define LANDED_IN	2	/* in the kernel, in the call */
#define LANDED_APART	3	/* the part sleeps, or is no more, and its CPU does nothing */
#define LANDED_BEHIND	4	/* the call has come back */

#define HELD_NOT	0
#define HELD_DONE	1	/* until Y came back */
#define HELD_ASLEEP	2	/* until B slept, or was no more */
#define HELD_WAITS	3	/* until B had waited for long for what only A can give */
#define HELD_STOPPED	4	/* until B was stopped by an NMI of its own: it is held until A
				 * is done, or waits */
#define HELD_PANIC	5	/* a panic wants this CPU */

int64_t races_control(uint64_t op, uint64_t arg);

#endif
