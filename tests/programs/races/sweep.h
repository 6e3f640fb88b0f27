/* SPDX-License-Identifier: MIT */
/* sweep.h - what main.c, sweep.c and judge.c want of each other. */
#ifndef USER_RACES_SWEEP_H
#define USER_RACES_SWEEP_H

#include "races.h"

#define ORDERS_MAX	7	/* of three calls, and the one that a swept run begins with */
#define FAULTS_MAX	5		/* that are told of, per sweep */

struct options {
	const struct call *only[RACE_PARTS], *last;	/* X: from only[RACE_A] to last */
	uint64_t stride, seed, ticks, from, pairs;
	bool list, say, third, second;
};
extern struct options options;

/* A sweep of two calls or three. */
struct sweep {
	struct race r;
	long allowed[ORDERS_MAX][RACE_PARTS];
	unsigned orders;
	bool rescued;	/* in one of the orders somebody had to be got out of his sleep */
	uint64_t held, total, runs, how[HELD_PANIC + 1];
	unsigned watched;		/* the part whose NMI is looked at: */
	uint64_t class, rip;		/* where it came in the last run */
	unsigned unchecked, faults;
};
extern struct sweep sweep;

/* --- judge.c: one run, and whether it was right ----------------------------------- */

void judge_begin(void);			/* once, before the first sweep */
void judge_orders(void);		/* run every order, and learn what is right */
/* A run in @order; its NMIs come as sweep.r.ticks says. With @judged its results must be right. */
void judge_run(const struct order *order, bool judged);
void judge_balance(void);
extern const struct order order_swept, order_y_first;

/* --- sweep.c ------------------------------------------------------------------------ */

/* X against Y, and Z where it is not NULL, at the instructions that the options say. True when
 * nothing was wrong. */
bool sweep_calls(const struct call *x, const struct call *y, const struct call *z);
/* X against Y, which is stopped a second time, wherever it takes a lock or gives one back. */
bool sweep_second(const struct call *x, const struct call *y);
bool sweep_hangs(void);	/* the last run has not come to an end: there can be no other */
void sweep_watch(void *unused);	/* a thread's body: ends the program when no run ends any more */

#endif
