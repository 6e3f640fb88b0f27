/* SPDX-License-Identifier: MIT */
/* sweep.h - what main.c wants of sweep.c. */
#ifndef USER_RACES_SWEEP_H
#define USER_RACES_SWEEP_H

#include "races.h"

struct options {
	const struct call *only[2];
	uint64_t stride, seed, ticks, pairs;
	bool list;
};

extern struct options options;

void sweep_begin(void);			/* once, before the first pair */
/* X against Y, at the instructions that the options say. True when nothing was wrong. */
bool sweep_pair(const struct call *x, const struct call *y);
bool sweep_hangs(void);			/* the last pair's run has not come to an end: there can be no other */
void sweep_watch(void *unused);		/* a thread's body: ends the program when no run ends any more */

#endif
