/* SPDX-License-Identifier: MIT */
/* races_internal.h - what races.c and races_watch.c share. */
#ifndef TESTS_RACES_INTERNAL_H
#define TESTS_RACES_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include "tests/kernel/races.h"

struct part {
	const struct thread *thread;	/* compared, never followed: it may be gone */
	const volatile uint64_t *phase;	/* through the direct map; there while the thread runs */
	uint32_t cpu;
	bool done, armed;
	int64_t result;
	uint64_t class, rip, left, how, locks, pauses;	/* what its NMI found */
};

extern struct part race_parts[RACE_PARTS];
extern bool race_flags[RACE_OVER + 1];
extern bool race_holds;			/* A is held */

bool race_cpu_quiet(uint64_t cpu);	/* it idles, and has nothing to do */
void race_watch(bool on);		/* take NMIs, or no more */
int64_t race_print_waits(void);		/* and forget them */
int64_t race_print_symbol(uint64_t address);

#endif
