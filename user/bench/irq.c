/* SPDX-License-Identifier: MIT */
/*
 * irq.c - interrupts: the gaps they tear into a spinning program, and self-IPIs taken in kernel
 * mode.
 *
 * The spinning loop has no branch but its end, so that every pass takes the
 * same instructions; a pass with an interrupt in it takes those and the
 * interrupt's.  Elsewhere than under -icount the host tears gaps, too: so the
 * run is cut into periods of the timer, with a tick in the middle of each, and
 * of each period the longest gap counts.
 */
#include "bench.h"
#include "string.h"
#include "tests/probe/abi.h"

#define GAPS_MAX 8192
#define QUIET_PASSES 2048
#define NOISE 30		/* ticks by which a gap must exceed the longest usual one */
#define SAMPLES_MAX 256
#define SELF_IPIS 500

static uint64_t gaps[GAPS_MAX], seen_at[GAPS_MAX];
static uint64_t samples[SAMPLES_MAX];

/* Spin for @window ticks or until @max gaps longer than @threshold were seen; returns how many.
 * Their times are relative to the start. */
static size_t watch(uint64_t window, uint64_t threshold, size_t max)
{
	uint64_t start = rdtsc(), before = start, now;
	size_t n = 0;

	do {
		__asm__ volatile(".rept 20; nop; .endr");
		now = rdtsc();
		gaps[n] = now - before;
		seen_at[n] = now - start;
		n += gaps[n] > threshold;	/* no branch: kept, or overwritten by the next */
		before = now;
	} while ((now - start < window) & (n < max));
	return n;
}

struct quiet {
	uint64_t pass;		/* ticks of one pass without an interrupt */
	uint64_t threshold;	/* a longer gap is noticed */
};

/* Timer stopped. */
static struct quiet watch_quiet(void)
{
	memset(gaps, 0, sizeof(gaps));		/* brings in the pages */
	memset(seen_at, 0, sizeof(seen_at));
	watch(UINT64_MAX, 0, QUIET_PASSES);
	sort_u64(gaps, QUIET_PASSES);
	return (struct quiet){ gaps[QUIET_PASSES / 2],
			       gaps[QUIET_PASSES - QUIET_PASSES / 256] + NOISE };
}

static uint64_t ticks_per_second(void)
{
	uint64_t t0 = rdtsc(), ns0 = (uint64_t)sys_clock(), ns;

	do
		ns = (uint64_t)sys_clock() - ns0;
	while (ns < 1000000);
	return (rdtsc() - t0) * 1000000000 / ns;
}

/* @count interrupts at @hz, into samples[]. Returns how many there are: less where the host was too
 * busy. */
static size_t sample_interrupts(unsigned hz, size_t count)
{
	struct quiet quiet = watch_quiet();
	uint64_t period = ticks_per_second() / hz;
	size_t filled = 0;

	control(BENCH_TIMER_HZ, hz);

	size_t n = watch(count * period + period / 2, quiet.threshold, GAPS_MAX - 1);

	control(BENCH_TIMER_HZ, 0);
	for (size_t i = 0, last = SIZE_MAX; i < n; i++) {
		/* The first tick comes one period after the start: periods begin half of one before
		 * it. */
		size_t index = (seen_at[i] - period / 2) / period;

		if (seen_at[i] < period / 2 || index >= count)
			continue;
		if (index != last)
			samples[filled++] = 0;
		last = index;
		if (gaps[i] - quiet.pass > samples[filled - 1])
			samples[filled - 1] = gaps[i] - quiet.pass;
	}
	return filled;
}

void measure_irq_user(void)
{
	report("irq_user.gap_100hz", samples, sample_interrupts(100, 8));
	report("irq_user.gap_10khz", samples, sample_interrupts(10000, SAMPLES_MAX));

	size_t n = sample_interrupts(1000, 64);

	report("irq_user.gap_1khz", samples, n);
	report("irq_user.instructions", samples, n);
}

void trace_irq_user(void)
{
	uint64_t threshold = watch_quiet().threshold;

	control(BENCH_TIMER_HZ, 10000);
	watch(UINT64_MAX, threshold, TRACE_WARMUP);
	trace_begin("irq_user");
	watch(UINT64_MAX, threshold, 1);
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
