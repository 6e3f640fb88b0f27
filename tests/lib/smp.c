/* SPDX-License-Identifier: MIT */
/* smp.c - CPUs by number. */
#include "smp.h"
#include "tests/probe/abi.h"

static uint64_t cpu_mask(void)
{
	/* Of 64 CPUs it is -1, which is no error here: where there are tests, it is not refused. */
	long mask = sys_bench_control(BENCH_CPUS, 0);

	return mask ? (uint64_t)mask : 1;
}

/* The compiler's own would need a library. */
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
