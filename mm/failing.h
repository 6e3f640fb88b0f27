/* SPDX-License-Identifier: MIT */
/*
 * failing.h - allocations that fail because a test says so: every error path is taken once.
 *
 * Frames and heap objects are the only things that are allocated; both ask here.
 */
#ifndef MM_FAILING_H
#define MM_FAILING_H

#include <stdbool.h>
#include <stdint.h>

#ifdef VESTIBULE_HOST
static inline bool allocation_fails(void) { return false; }
static inline bool failing_armed(void) { return false; }
#else
extern uint64_t failing_left;	/* allocations until one fails; 0: none does */

bool failing_now(void);		/* counts one; only while it is armed */

/* Asked once for each allocation, in slow paths. Any context. */
static inline bool allocation_fails(void)
{
	return __builtin_expect(failing_left != 0, 0) && failing_now();
}

static inline bool failing_armed(void)
{
	return failing_left;
}

/* The @n-th allocation from now on of those that @counts() says to count fails, and with @all all
 * after it. 0: none any more. Returns how many have failed since it was last called. */
uint64_t failing_arm(uint64_t n, bool all, bool (*counts)(void));
#endif

#endif
