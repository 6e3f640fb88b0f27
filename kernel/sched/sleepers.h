/* SPDX-License-Identifier: MIT */
/*
 * sleepers.h - who sleeps until a time, soonest first: a leftist heap of nodes that lie in their
 * threads.
 *
 * Nothing is allocated. Adding and removing any node visit O(log n) others at worst, not only on
 * average, for they only go down rightmost paths and up where ranks change: with 16,383 sleepers
 * some 40 nodes at most. Pure: the caller has the lock.
 */
#ifndef KERNEL_SLEEPERS_H
#define KERNEL_SLEEPERS_H

#include <stdbool.h>
#include <stdint.h>

struct sleeper {
	uint64_t wake_at;		/* TSC; 0: in no heap */
	uint64_t order;			/* among those with the same time, that of adding */
	struct sleeper *left, *right, *parent;
	uint32_t rank;			/* nodes on its rightmost path, itself included */
};

struct sleepers {
	struct sleeper *soonest;	/* the root; NULL: nobody sleeps */
	uint64_t added;
};

/* @s is in no heap; @wake_at is not 0. */
void sleepers_add(struct sleepers *heap, struct sleeper *s, uint64_t wake_at);
void sleepers_remove(struct sleepers *heap, struct sleeper *s);	/* @s is in it */

/* For tests: what is wrong with the heap, or NULL. Walks all of it. */
const char *sleepers_check(const struct sleepers *heap);
/* The node after @s in a walk that meets each node once, in no order of time; NULL after the
 * last. */
const struct sleeper *sleepers_next(const struct sleeper *s);

#endif
