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

#include "entry/design.h"
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

/* Panics where memory is short. Only while no program runs. stage_set() takes the boot's design for
 * both processes. */
void stage_set(struct stage *s);
void stage_set_by(struct stage *s, const struct entry_design *d);
void stage_clear(const struct stage *s);

/* Each design that this boot can run, as d. */
#define EACH_DESIGN(d)								\
	const struct entry_design *d = stage_next_design(NULL); d; d = stage_next_design(d)
const struct entry_design *stage_next_design(const struct entry_design *d);
/* Another than @d, a different one for each; NULL: there is none. */
const struct entry_design *stage_neighbour(const struct entry_design *d);

#endif
