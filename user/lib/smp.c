/* SPDX-License-Identifier: MIT */
/* smp.c - CPUs by number, and chance by seed. */
#include "smp.h"

static uint64_t cpu_mask(void)
{
	long mask = sys_bench_control(BENCH_CPUS, 0);

	return mask > 0 ? (uint64_t)mask : 1;
}

/* The compiler's own needs a table or a library. */
static unsigned bits(uint64_t mask)
{
	unsigned n = 0;

	for (; mask; mask &= mask - 1)
		n++;
	return n;
}

unsigned smp_count(void)
{
	return bits(cpu_mask());
}

unsigned smp_cpu(unsigned n)
{
	uint64_t mask = cpu_mask();

	for (n %= bits(mask); n; n--)
		mask &= mask - 1;
	return (unsigned)__builtin_ctzl(mask);
}

void smp_pin(unsigned cpu)
{
	sys_set_affinity(0, 1ul << cpu);
}

void smp_unpin(void)
{
	sys_set_affinity(0, ~0ul);
}

void smp_set_timers(unsigned long hz)
{
	unsigned n = smp_count();

	for (unsigned i = 0; i < n; i++) {
		smp_pin(smp_cpu(i));
		sys_bench_control(BENCH_TIMER_HZ, hz);
	}
	smp_unpin();
}

/* SplitMix64: a counter, scrambled. */
uint64_t random_u64(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}
