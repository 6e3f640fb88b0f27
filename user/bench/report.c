/* SPDX-License-Identifier: MIT */
/* report.c - how figures leave: raw values, one metric a line; statistics are the host's work. */
#include "bench.h"
#include "print.h"
#include "string.h"

#define VALUES_PER_LINE 512

void report(const char *name, const uint64_t *values, size_t n)
{
	for (size_t i = 0; i < n; i += VALUES_PER_LINE) {
		size_t count = n - i < VALUES_PER_LINE ? n - i : VALUES_PER_LINE;

		sys_bench_report((uintptr_t)name, strlen(name), (uintptr_t)(values + i), count);
	}
}

void report_value(const char *name, uint64_t value)
{
	report(name, &value, 1);
}

void report_per_operation(const char *name, uint64_t with, uint64_t without, uint64_t n)
{
	/* The few instructions around the two loops may differ; rounding to nearest drops them. */
	report_value(name, with > without ? (with - without + n / 2) / n : 0);
}

uint64_t control(unsigned op, uint64_t arg)
{
	long result = sys_bench_control(op, arg);

	if (result < 0) {
		printf("bench: bench_control(%u, %lu) failed: %ld\n", op, arg, result);
		sys_exit(1);
	}
	return (uint64_t)result;
}
