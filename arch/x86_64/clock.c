/* SPDX-License-Identifier: MIT */
/* clock.c - time from the TSC, whose rate calibrate.c has measured. */
#include "arch/x86_64/clock.h"
#include "arch/x86_64/x86.h"

#define NS_PER_S	1000000000ul

uint64_t tsc_hz;

static uint64_t tsc_start;

void clock_start(uint64_t hz)
{
	tsc_hz = hz;
	tsc_start = rdtsc();
}

/* Whole seconds and the rest apart, so that no product overflows. */
uint64_t clock_ns(void)
{
	uint64_t ticks = rdtsc() - tsc_start;

	return ticks / tsc_hz * NS_PER_S + ticks % tsc_hz * NS_PER_S / tsc_hz;
}

uint64_t clock_ns_to_tsc(uint64_t ns)
{
	uint64_t seconds = ns / NS_PER_S;

	/* Half the range is centuries, and adding it to the present cannot wrap. */
	if (seconds >= UINT64_MAX / 2 / tsc_hz)
		return UINT64_MAX / 2;
	return seconds * tsc_hz + ns % NS_PER_S * tsc_hz / NS_PER_S;
}
