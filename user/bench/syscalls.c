/* SPDX-License-Identifier: MIT */
/* syscalls.c - the way in and out itself: null and copy64, and how null's latency is spread. */
#include "bench.h"
#include "tests/probe/abi.h"

#define OPERATIONS 1000
#define LATENCIES 4096
#define STORM_HZ 10000

static uint64_t in[8], out[8];		/* copy64's 64 bytes */
static uint64_t latency[LATENCIES];

/* The number is loaded in either loop: what remains is SYSCALL and what comes of it. */
#define NULL_OPERANDS : "=a"(result) : "0"((unsigned long)SYS_null) : "rcx", "r11", "memory"
#define COPY_OPERANDS \
	: "=a"(result) : "0"((unsigned long)SYS_copy64), "D"(in), "S"(out) : "rcx", "r11", "memory"

static uint64_t null_with(uint64_t n)
{
	unsigned long result;

	return LOOP_TICKS(n, "syscall" NULL_OPERANDS);
}

static uint64_t null_without(uint64_t n)
{
	unsigned long result;

	return LOOP_TICKS(n, "" NULL_OPERANDS);
}

void measure_null(void)
{
	null_with(TRACE_WARMUP);
	report_per_operation("syscall_null.instructions", null_with(OPERATIONS),
			     null_without(OPERATIONS), OPERATIONS);
}

void trace_null(void)
{
	null_with(TRACE_WARMUP);
	trace_begin("syscall_null");
	raw_syscall(SYS_null, 0, 0, 0, 0);
	trace_end();
}

static uint64_t copy64_with(uint64_t n)
{
	unsigned long result;

	return LOOP_TICKS(n, "syscall" COPY_OPERANDS);
}

static uint64_t copy64_without(uint64_t n)
{
	unsigned long result;

	return LOOP_TICKS(n, "" COPY_OPERANDS);
}

void measure_copy64(void)
{
	copy64_with(TRACE_WARMUP);
	report_per_operation("syscall_copy64.instructions", copy64_with(OPERATIONS),
			     copy64_without(OPERATIONS), OPERATIONS);
}

void trace_copy64(void)
{
	copy64_with(TRACE_WARMUP);
	trace_begin("syscall_copy64");
	raw_syscall(SYS_copy64, (uintptr_t)in, (uintptr_t)out, 0, 0);
	trace_end();
}

/* One sample each: two readings of the TSC around one call, minus two readings around nothing. */
static void sample_latency(const char *name)
{
	unsigned long result;
	uint64_t empty = UINT64_MAX;

	for (int i = 0; i < 64; i++) {
		uint64_t ticks = LOOP_TICKS(1, "" NULL_OPERANDS);

		if (ticks < empty)
			empty = ticks;
	}
	for (size_t i = 0; i < LATENCIES; i++) {
		uint64_t ticks = LOOP_TICKS(1, "syscall" NULL_OPERANDS);

		latency[i] = ticks > empty ? ticks - empty : 0;
	}
	if (name)
		report(name, latency, LATENCIES);
}

/* The same alone and in an interrupt storm. Kept apart from syscall_null, whose exact count comes
 * first. */
void measure_latency(void)
{
	sample_latency(NULL);	/* brings in the sample pages */
	sample_latency("syscall_null.latency");
	control(BENCH_TIMER_HZ, STORM_HZ);
	sample_latency(NULL);	/* reporting inside the storm would shift its phase: stop first */
	control(BENCH_TIMER_HZ, 0);
	report("syscall_null.latency_10khz", latency, LATENCIES);
}
