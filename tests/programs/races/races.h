/* SPDX-License-Identifier: MIT */
/* races.h - the calls, what they share, and one run of two of them. */
#ifndef USER_RACES_H
#define USER_RACES_H

#include <stdbool.h>
#include <stdint.h>
#include "tests/kernel/races.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROGRAM "races"

/* The CPUs: A's, B's, the one that sets up and looks on, that of the thread and the child which
 * they act on, C's. */
#define CPU_A		0
#define CPU_B		1
#define CPU_MAIN	2
#define CPU_OTHERS	3
#define CPU_C		4		/* where there are three */
#define CPUS_NEEDED	4

/* What a call touches. Two calls that touch the same thing are swept against each other. */
#define TARGET		(1u << 0)	/* the thread T, a sibling of both */
#define PROCESS		(1u << 1)	/* their process: its list of threads, its end */
#define SPACE		(1u << 2)	/* its regions and page tables */
#define TIDS		(1u << 3)	/* the table of thread ids */
#define CHILDREN	(1u << 4)	/* their process's children; pids */
#define ARCHIVE		(1u << 5)
#define QUEUES		(1u << 6)	/* run queues */
#define TIMER		(1u << 7)	/* a CPU's timed sleepers, its tick */
#define CONSOLE		(1u << 8)
#define POOLS		(1u << 9)	/* the kernel's stacks and heap */
/* These two are a pair: one acts on the other's thread, the other has something at stake there. */
#define PEER		(1u << 10)
#define SELF		(1u << 11)
#define MEASURES	(1u << 12)	/* for measuring only, nothing is promised about two at
					 * once */
#define ALONE		(1u << 13)	/* nothing that another call touches */

/* What must be there before. Of two states of one thing the higher number wins. */
#define NEEDS_TARGET	(1u << 0)	/* T sleeps on CPU_OTHERS, again when it is woken, until
					 * the run is over */
#define NEEDS_TIMED	(1u << 1)	/* T's sleep was timed, on A's CPU, and its time is over */
#define NEEDS_STOPPED	(1u << 2)	/* T is stopped */
#define NEEDS_DEAD	(1u << 3)	/* T has ended, and nobody has joined it */
#define NEEDS_REGION	(1u << 4)	/* a map() of REGION_PAGES, the first and the last of
					 * which have been touched */
#define NEEDS_ZOMBIE	(1u << 5)	/* a child that has ended */
#define NEEDS_CHILD	(1u << 6)	/* a child that ends by itself soon */
#define NEEDS_PLAYER	(1u << 7)	/* a child that has the part */
#define NEEDS_NEXT_PID	(1u << 8)	/* the number that the next process will have */
#define NEEDS_ENDING	(1u << 9)	/* T ends when it is woken */
#define NEEDS_EMPTY	(1u << 10)	/* the region, none of whose pages has been touched */

#define REGION_PAGES	3
#define PAGE		4096ul
#define REGION_WORD	0x5245474f494e2121ul	/* in the region's touched pages */
#define EXIT_CODE	7

/* What becomes of whoever calls. */
#define ENDS_THREAD	1u		/* the call does not come back */
#define ENDS_PROCESS	2u		/* nor does anybody else in the process */
#define IN_CHILD	4u		/* the caller is a child of the other one's process */
#define BY_TOUCH	8u		/* no system call: a store to arguments.a */
#define HANDS_OUT	16u	/* what is not negative is a name or an address: any will do */
#define ONLY_AS_Z	32u

struct arguments {
	uint64_t a, b, c, d;
};

struct race;

struct call {
	const char *name;
	unsigned number;		/* SYS_* */
	unsigned touches, needs, flags;
	void (*prepare)(struct race *r, unsigned me, struct arguments *a);	/* may be NULL */
	/* by the caller, at once; may be NULL */
	long (*after)(struct race *r, unsigned me, long result);
	const char *(*undo)(struct race *r, unsigned me);	/* afterwards; what is wrong, or
								 * NULL; may be NULL */
	unsigned fail;			/* not 0: from this allocation on none succeeds */
};

extern const struct call calls[];
extern const unsigned call_count;
const struct call *call_find(const char *name);
/* What some call shares with another; 0: nothing. */
unsigned shared(const struct call *x, const struct call *y);
/* The name of a system call that touches something, and of which there is no call here; NULL: none
 * is missing. */
const char *call_missing(void);

/* Who begins first, second, third; each of the others when the one before is done, or sleeps. */
struct order {
	unsigned char part[RACE_PARTS];
	bool swept;			/* one that sleeps alone is woken before the next begins */
};

/* One run: X by A, Y by B, and with three parts Z by C. */
struct race {
	unsigned parts;
	const struct call *call[RACE_PARTS];
	struct order order;
	uint64_t ticks[2];	/* from A's, B's arming until the NMI; 0: it does not come */
	unsigned long tid[RACE_PARTS], target;
	unsigned long child, next_pid;
	char *region;
	long made[RACE_PARTS];		/* what a call handed out, or 0 */
	volatile uint64_t phase[RACE_PARTS];	/* PHASE_* */
	long result[RACE_PARTS];
	bool rescued;			/* somebody slept who had to be got out of it */
	const char *wrong;		/* what is not as it must be, or NULL */
};

static inline long race(uint64_t op, uint64_t arg)
{
	return sys_bench_control(BENCH_RACE + op, arg);
}

/* The one on whose thread a call with PEER acts. */
static inline unsigned peer(unsigned me)
{
	return me == RACE_A ? RACE_B : RACE_A;
}

static inline void pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* run.c: the whole run, cleaned up after. It is this process's; or, where a call ends the process,
 * another one's that is started for it. */
void race_run(struct race *r);
/* This program as that other process, or as a child with a part in the race: @arg is what stands
 * after "inner=" or "player=". Does not return to its caller's work: its result is the exit
 * code. */
int race_inner(const char *arg);
int race_player(const char *arg);
/* What makes them do @r: "@who=...". */
void race_print(const struct race *r, char *buf, size_t size, const char *who);
/* look.c: start those who play, until all of them are done. False: they never are. */
bool look_on(struct race *r);
#define HANGS "it hangs"		/* what is wrong then */
/* The calling thread looks on: from now on its registers are looked at too. False: that cannot
 * be. */
bool looker_begin(void);
/* Wait for that child; what was wrong with our registers afterwards, or NULL. */
const char *looker_wait(unsigned long pid, long *status);
/* Some part made a call of @number that had @result, or with @not_negative any that is not. */
bool race_did(const struct race *r, unsigned number, long result, bool not_negative);
/* Does some call of it have allocations fail, which are the process's? */
bool race_fails(const struct race *r);
/* What a part does, from its place on its CPU to the end of the run. */
void race_play(struct race *r, unsigned me) __attribute__((noreturn));

/* world.c: what calls act on, made before and taken away after. */
void world_make(struct race *r, unsigned needs);
void world_end(struct race *r, unsigned needs);
void touch_stacks(void);		/* all of their pages are there from now on */
void settle(void);			/* until every other CPU has nothing to do */
/* A thread on a stack of @slot's, on @cpu. Its tid. */
unsigned long start_thread(unsigned slot, void (*body)(void *), void *arg, unsigned cpu);
enum slot { SLOT_A, SLOT_B, SLOT_C, SLOT_TARGET, SLOT_WATCHDOG, SLOTS };

/* balance.c: nothing may be lost. */
void balance_begin(void);		/* what there is now is what there must be later */
const char *balance_check(void);	/* what is more or less, or NULL */

/* allowed.c: why @part's result is right though no order of the calls gives it. NULL: there is no
 * such reason. */
const char *allowed_because(const struct race *r, unsigned part);

#endif
