/* SPDX-License-Identifier: MIT */
/*
 * stage.h - processes that never run, for tests of what looks at processes.
 *
 * A parent with three threads and a child with one.  Everything of theirs is as the kernel would
 * have it, but that nobody called sched_make_ready(): all sleep, and the parent's third was
 * stopped.
 */
#ifndef TESTS_STAGE_H
#define TESTS_STAGE_H

#include "kernel/object/process.h"

#define STAGE_PAGES	3		/* of each space, from STAGE_AT on */
#define STAGE_AT	0x400000ul
#define STAGE_REGION	0x10000ul	/* bytes, and as many between two */
#define STAGE_REGIONS	5

struct stage {
	struct process *parent, *child;
	struct thread *thread[3];	/* the parent's, in the order of its list; the last one
					 * is stopped */
	struct thread *other;		/* the child's */
};

/* Panics where memory is short. Only while no program runs. */
void stage_set(struct stage *s);
void stage_clear(const struct stage *s);

#endif
