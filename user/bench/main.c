/* SPDX-License-Identifier: MIT */
/*
 * main.c - bench: measures the running kernel from user mode.
 *
 *   bench <name>    that benchmark        bench all     each, in a process of its own
 *                         (but those about several CPUs and irqs_off)
 *   bench trace     each operation once, between marks for the host's debugger
 */
#include "bench.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "tests/probe/abi.h"

const struct benchmark benchmarks[] = {
	{ "syscall_null", measure_null, trace_null },
	{ "syscall_copy64", measure_copy64, trace_copy64 },
	{ "syscall_sleep", measure_sleep, trace_sleep },
	{ "syscall_latency", measure_latency, NULL },
	{ "irq_user", measure_irq_user, trace_irq_user },
	{ "irq_kernel", measure_irq_kernel, trace_irq_kernel },
	{ "page_fault", measure_page_fault, trace_page_fault },
	{ "exception", measure_exception, trace_exception },
	{ "context_switch_thread", measure_switch_thread, trace_switch_thread },
	{ "context_switch_process", measure_switch_process, trace_switch_process },
	{ "context_switch_design", measure_switch_design, NULL },
	{ "thread_create_exit", measure_thread_create, trace_thread_create },
	{ "thread_create_exit_smp", measure_thread_create_smp, NULL },
	{ "irqs_off", measure_irqs_off, NULL },
	{ "memory", measure_memory, NULL },
	{ "exposure", measure_exposure, NULL },
};
const size_t benchmark_count = sizeof(benchmarks) / sizeof(benchmarks[0]);

/* What depends on the number of CPUs, and what only counts under icount, runs when it is named. */
static bool in_all(const struct benchmark *b)
{
	return b->measure != measure_thread_create_smp && b->measure != measure_irqs_off;
}

/* Its own process each, so that a figure does not depend on what was measured before it. */
static int run_all(void)
{
	for (size_t i = 0; i < benchmark_count; i++) {
		long status = in_all(&benchmarks[i]) ? run("bench", benchmarks[i].name) : 0;

		if (status) {
			printf("bench: %s ended with status 0x%lx\n", benchmarks[i].name,
			       (unsigned long)status);
			return TEST_FAIL;
		}
	}
	return TEST_PASS;
}

static int trace_all(void)
{
	control(BENCH_TIMER_HZ, 0);
	for (size_t i = 0; i < benchmark_count; i++)
		if (benchmarks[i].trace)
			benchmarks[i].trace();
	control(BENCH_TIMER_HZ, TIMER_HZ_NORMAL);
	return TEST_PASS;
}

static int run_one(const char *name)
{
	for (size_t i = 0; i < benchmark_count; i++) {
		if (strcmp(benchmarks[i].name, name))
			continue;
		control(BENCH_TIMER_HZ, 0);
		benchmarks[i].measure();
		control(BENCH_TIMER_HZ, TIMER_HZ_NORMAL);
		return TEST_PASS;
	}
	printf("bench=%s: no such benchmark. Valid: all, trace", name);
	for (size_t i = 0; i < benchmark_count; i++)
		printf(", %s", benchmarks[i].name);
	printf("\n");
	return EXIT_USAGE;
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (!strcmp(arg, "all"))
		return run_all();
	if (!strcmp(arg, "trace"))
		return trace_all();
	if (starts_with(arg, "peer")) {
		peer_main(arg);
		return TEST_PASS;
	}
	if (irqs_off_main(arg))
		return TEST_PASS;
	return run_one(arg);
}
