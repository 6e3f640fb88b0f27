/* SPDX-License-Identifier: MIT */
/*
 * main.c - every entry design at once: a demonstration.
 *
 * A process of each design is started, all run side by side, and each measures its own null system
 * call and prints a line.  Then each makes many calls while the others rest, in turn, and the time
 * that they took becomes a table.
 *
 * TSC ticks of an emulator say little about a processor: the exact counts are `make compare`'s.
 */
#include "arch/x86_64/x86.h"
#include "designs.h"
#include "print.h"
#include "string.h"
#include "user.h"

#define CALLS		20000
#define ROUNDS		2
#define CHILD		"child="

static const char *const summaries[] = {
#define ENTRY_DESIGN(id, name, summary) summary,
#include "entry/registry.h"
#undef ENTRY_DESIGN
};

/* --- in a process of the design ------------------------------------------------------- */

static uint64_t one_call(void)
{
	uint64_t start = rdtsc();

	sys_null();
	return rdtsc() - start;
}

static int child(unsigned long calls)
{
	uint64_t best = UINT64_MAX;

	for (unsigned long i = 0; i < calls; i++)
		sys_null();
	if (calls)
		return 0;
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t ticks = one_call();

		if (ticks < best)
			best = ticks;
	}
	printf("  %8s  the cheapest of my 1000 null calls took %lu TSC ticks (on CPU %ld)\n",
	       design_name((unsigned long)sys_design()), best, sys_cpu());
	return 0;
}

/* --- in the first process --------------------------------------------------------------- */

static long start(unsigned design, unsigned long calls)
{
	char arg[32];

	snprintf(arg, sizeof(arg), CHILD "%lu", calls);
	return spawn_with("designs", arg, design);
}

static void side_by_side(void)
{
	long pid[DESIGN_COUNT];

	for (unsigned d = 0; d < DESIGN_COUNT; d++) {
		pid[d] = start(d, 0);
		if (pid[d] < 0)
			printf("  %8s  it cannot be started: error %ld\n", design_name(d), -pid[d]);
	}
	for (unsigned d = 0; d < DESIGN_COUNT; d++)
		if (pid[d] > 0)
			sys_wait((unsigned long)pid[d]);
}

/* Ticks that a process of @design takes for its life with @calls null calls; 0: there is none. */
static uint64_t life(unsigned design, unsigned long calls)
{
	uint64_t begun = rdtsc();
	long pid = start(design, calls);

	if (pid < 0)
		return 0;
	sys_wait((unsigned long)pid);
	return rdtsc() - begun;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The cheapest of some lives each, for the host may take the processor away at any time. */
static uint64_t ticks_per_call(unsigned design)
{
	uint64_t one = UINT64_MAX, many = UINT64_MAX;

	if (!life(design, 1))
		return 0;
	for (unsigned i = 0; i < ROUNDS; i++) {
		one = less(one, life(design, 1));
		many = less(many, life(design, 1 + CALLS));
	}
	return many > one ? (many - one) / CALLS : 0;
}

static void print_row(unsigned design, uint64_t ticks, uint64_t first)
{
	if (ticks && first)
		printf("  %8s  %10lu  %4lu.%02lu  %s\n", design_name(design), ticks, ticks / first,
		       ticks % first * 100 / first, summaries[design]);
	else
		printf("  %8s           -        -  %s\n", design_name(design), summaries[design]);
}

static void print_table(void)
{
	uint64_t ticks[DESIGN_COUNT], first = 0;

	for (unsigned d = 0; d < DESIGN_COUNT; d++) {
		ticks[d] = ticks_per_call(d);
		first = first ? first : ticks[d];
	}
	printf("\n  design    ticks/call  times    what it is\n");
	for (unsigned d = 0; d < DESIGN_COUNT; d++)
		print_row(d, ticks[d], first);
	printf("\nOne boot, one kernel: each process enters by its own design. Times of an "
	       "emulator\n"
	       "vary; `make compare` has the exact counts.\n");
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (starts_with(arg, CHILD))
		return child(parse_number(arg + strlen(CHILD)));
	printf("\nEvery entry design at once: a process of each, side by side in this boot.\n\n");
	side_by_side();
	print_table();
	return 0;
}
