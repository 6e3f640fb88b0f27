/* SPDX-License-Identifier: MIT */
/* failing.c - allocations that fail on demand. */
#include "mm/failing.h"

uint64_t failing_left;

static bool (*failing_counts)(void);
static bool failing_all;
static uint64_t failed;

bool failing_now(void)
{
	if (!failing_counts())
		return false;
	if (failing_left > 1) {
		failing_left--;
		return false;
	}
	if (!failing_all)
		failing_left = 0;
	failed++;
	return true;
}

uint64_t failing_arm(uint64_t n, bool all, bool (*counts)(void))
{
	uint64_t had = failed;

	failed = 0;
	failing_left = 0;
	failing_all = all;
	failing_counts = counts;
	failing_left = n;
	return had;
}
