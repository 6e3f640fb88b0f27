/* SPDX-License-Identifier: MIT */
/*
 * irq.c - interrupts: the gaps they tear into a spinning program, and self-IPIs taken in kernel mode.
 *
 * The spinning loop has no branch but its end, so that every pass takes the
 * same instructions; a pass with an interrupt in it takes those and the
 * interrupt's.  Elsewhere than under -icount the host, too, tears gaps: more
 * long gaps are kept than there were interrupts, and the longest are reported.
 */
#include "bench.h"
#include "string.h"

#define GAPS_MAX 8192
#define QUIET_PASSES 64
#define SELF_IPIS 500

static uint64_t gaps[GAPS_MAX];

/* Spin for @window ticks or until @max gaps longer than @threshold were seen; returns how many. */
static size_t watch(uint64_t window, uint64_t threshold, size_t max)
{
	uint64_t start = rdtsc(), before = start, now;
	size_t n = 0;

	do {
		__asm__ volatile(".rept 40; nop; .endr");
		now = rdtsc();
		gaps[n] = now - before;
		n += gaps[n] > threshold;	/* no branch: kept, or overwritten by the next */
		before = now;
	} while ((now - start < window) & (n < max));
	return n;
}

/* Ticks of one pass without an interrupt. Timer stopped. */
static uint64_t quiet_pass(void)
{
	memset(gaps, 0, sizeof(gaps));	/* brings in the pages */
	watch(UINT64_MAX, 0, QUIET_PASSES);
	sort_u64(gaps, QUIET_PASSES);
	return gaps[QUIET_PASSES / 2];
}

static uint64_t ticks_per_second(void)
{
	uint64_t t0 = rdtsc(), ns0 = (uint64_t)sys_clock(), ns;

	do
		ns = (uint64_t)sys_clock() - ns0;
	while (ns < 1000000);
	return (rdtsc() - t0) * 1000000000 / ns;
}

/* @count interrupts at @hz. Returns how many samples there are, at gaps[0] and on. */
static size_t sample_interrupts(unsigned hz, size_t count)
{
	uint64_t pass = quiet_pass(), period = ticks_per_second() / hz;

	control(BENCH_TIMER_HZ, hz);

	size_t n = watch(count * period + period / 2, 3 * pass, GAPS_MAX - 1);

	control(BENCH_TIMER_HZ, 0);
	sort_u64(gaps, n);
	if (n > count) {
		memmove(gaps, gaps + n - count, count * sizeof(gaps[0]));
		n = count;
	}
	for (size_t i = 0; i < n; i++)
		gaps[i] -= pass;
	return n;
}

void measure_irq_user(void)
{
	report("irq_user.gap_100hz", gaps, sample_interrupts(100, 8));
	report("irq_user.gap_10khz", gaps, sample_interrupts(10000, 256));

	size_t n = sample_interrupts(1000, 64);

	report("irq_user.gap_1khz", gaps, n);
	report("irq_user.instructions", gaps, n);
}

void trace_irq_user(void)
{
	uint64_t pass = quiet_pass();

	control(BENCH_TIMER_HZ, 10000);
	watch(UINT64_MAX, 3 * pass, TRACE_WARMUP);
	trace_begin("irq_user");
	watch(UINT64_MAX, 3 * pass, 1);
	trace_end();
	control(BENCH_TIMER_HZ, 0);
}

void measure_irq_kernel(void)
{
	control(BENCH_SELF_IPI, TRACE_WARMUP);
	control(BENCH_SELF_IPI_BASE, TRACE_WARMUP);
	report_per_operation("irq_kernel.instructions", control(BENCH_SELF_IPI, SELF_IPIS),
			     control(BENCH_SELF_IPI_BASE, SELF_IPIS), SELF_IPIS);
}

/* The debugger waits for the interrupt inside this call. */
void trace_irq_kernel(void)
{
	control(BENCH_SELF_IPI, TRACE_WARMUP);
	trace_begin("irq_kernel");
	raw_syscall(SYS_bench_control, BENCH_SELF_IPI, 1, 0, 0);
	trace_end();
}
