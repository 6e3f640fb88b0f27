/* SPDX-License-Identifier: MIT */
/* range.h - memory by pages, a word in each: filled, compared, asked for. */
#ifndef USER_RANGE_H
#define USER_RANGE_H

#include "mm/layout.h"
#include "user.h"

/* The word of page number @page: another line of the cache in each. */
static inline volatile uint64_t *word_of(char *range, unsigned page)
{
	return (volatile uint64_t *)(range + page * PAGE_SIZE + page % 512 * 8);
}

/* Put @value into the words of the first @pages pages. */
static inline void fill(char *range, unsigned pages, uint64_t value)
{
	for (unsigned i = 0; i < pages; i++)
		*word_of(range, i) = value;
}

/* How many of them hold something else? */
static inline unsigned pages_without(char *range, unsigned pages, uint64_t value)
{
	unsigned n = 0;

	for (unsigned i = 0; i < pages; i++)
		n += *word_of(range, i) != value;
	return n;
}

/* Does the kernel find a page at @p? */
static inline bool readable(const char *p)
{
	uint64_t copy[8];

	return !sys_copy64((uintptr_t)p, (uintptr_t)copy);
}

#endif
