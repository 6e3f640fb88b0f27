/* SPDX-License-Identifier: MIT */
/* fire.h - the paths, and what each does to go through the kernel once. */
#ifndef USER_FIRE_H
#define USER_FIRE_H

#include <stdbool.h>
#include <stdint.h>
#include "bystander.h"
#include "user.h"
#include "tests/probe/abi.h"

/* bench_control(BENCH_FIRE + @op, @arg). */
static inline long fire(uint64_t op, uint64_t arg)
{
	return sys_bench_control(BENCH_FIRE + op, arg);
}

/* bench_control's FIRE_DO, as the second argument. */
static inline uint64_t fire_do(uint64_t what, uint64_t operand)
{
	return what | operand << 8;
}

/* One time through a path: every register is loaded before, and compared afterwards. */
struct shot {
	struct bystander_act act;	/* no action: a path that checks its registers otherwise */
	struct bystander *b;
	uint64_t operand;		/* of a path that has several */
	uint64_t value;			/* what it is armed with */
	bool good;
};

#define LATE		1u	/* FIRE_ARM_LATER: the action starts it */
#define CHANGES_CR2	2u
#define PARTNER		4u	/* needs a thread that wakes it */
#define DB_ONLY		8u	/* NMIs are masked there */
#define EVERY_BYTE	16u	/* #DB: at every offset of entry text, for no NMI has seen the
				 * way */
#define PAIR		32u	/* needs two CPUs */
#define NEIGHBOUR	64u	/* needs a boot that runs several entry designs */

struct path {
	const char *name;
	bool (*prepare)(struct shot *s);	/* before it is armed; may be NULL */
	void (*act)(struct shot *s);	/* while it is armed; ends with nothing on its way */
	bool (*check)(struct shot *s);		/* the operation's own result; may be NULL */
	unsigned flags;				/* of the above */
	unsigned operands;			/* run with operand 0..n-1; 0: once */
};

extern const struct path paths[];
extern const unsigned path_count;

/* @path wants @operand (a vector that cannot be entered this way, for instance)? */
bool path_takes(const struct path *path, uint64_t operand);
/* Is vector @operand's way after its stub not that of a smaller one? */
bool path_is_first(uint64_t operand);

/* A process of entry design @design runs on this CPU, and does nothing but make way; the one there
 * was has ended. DESIGN_COUNT: there is none. False when it cannot be started. */
bool neighbour(unsigned design);
/* What it does. */
int neighbour_main(void);
/* Can there be one, of another design than this process's? */
bool neighbour_possible(void);

/* With four CPUs or more: another CPU sends the NMIs of FIRE_HELD, and one keeps its registers
 * under a storm of timer interrupts. False when that failed, or a register changed. */
bool company_start(void);
bool company_stop(void);

#endif
