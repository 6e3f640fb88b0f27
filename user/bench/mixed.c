/* SPDX-License-Identifier: MIT */
/*
 * mixed.c - designs timed side by side in one boot.
 *
 * Of each timed operation there are ROUNDS rounds, and in a round each design measures it once, in
 * the registry's order. A line "DESIGN <name>" says whose the figures behind it are. A turn is a
 * process of its own and has ended when the next begins: nobody else runs meanwhile.
 */
#include "bench.h"
#include "designs.h"
#include "print.h"
#include "test.h"
#include "tests/probe/abi.h"

#define ROUNDS 7

static bool turn(const char *name, unsigned design)
{
	long status;

	printf("DESIGN %s\n", design_name(design));
	status = run_with("bench", name, design);
	if (status)
		printf("bench: %s by %s ended with status 0x%lx\n", name, design_name(design),
		       (unsigned long)status);
	return !status;
}

static bool turns(const char *name)
{
	for (unsigned n = 0; n < ROUNDS * DESIGN_COUNT; n++)
		if (!turn(name, n % DESIGN_COUNT))
			return false;
	return true;
}

int run_turns(void)
{
	/* A benchmark's other processes are of its design. */
	control(BENCH_MIX, MIX_PARENT);
	for (size_t i = 0; i < benchmark_count; i++)
		if (benchmarks[i].runs & IN_TURNS && !turns(benchmarks[i].name))
			return TEST_FAIL;
	return TEST_PASS;
}
