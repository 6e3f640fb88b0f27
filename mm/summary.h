/* SPDX-License-Identifier: MIT */
/* summary.h - a set of numbers with an index over it: the next one is found in a few steps, however
 * large the set. */
#ifndef MM_SUMMARY_H
#define MM_SUMMARY_H

#include <stdint.h>

#define SUMMARY_LEVELS	4
#define SUMMARY_MAX	(1ul << 6 * SUMMARY_LEVELS)	/* numbers below that */
#define SUMMARY_NONE	(~0ul)

/* Bitmaps: of the numbers, of the words of that bitmap that are not 0, and so on up to a single
 * word. By physical address, for how memory is reached changes during boot. The caller locks. */
struct summary {
	uint64_t pa[SUMMARY_LEVELS];
	uint64_t count;			/* numbers from 0 on */
};

/* 64-bit words of memory for a set of numbers below @count, which is at most SUMMARY_MAX. */
uint64_t summary_words(uint64_t count);
/* Make @s an empty set; @pa is that much memory, zeroed. */
void summary_init(struct summary *s, uint64_t pa, uint64_t count);
/* @n is in the set, or it is not; doing it twice is fine. */
void summary_put(struct summary *s, uint64_t n, int in);
/* The lowest number in the set that is not below @from, or SUMMARY_NONE. */
uint64_t summary_next(const struct summary *s, uint64_t from);

#endif
