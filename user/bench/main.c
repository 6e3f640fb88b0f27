/* SPDX-License-Identifier: MIT */
/*
 * main.c - bench: measures the running kernel from user mode.
 *
 *   bench <name>    that benchmark        bench all     each, in a process of its own
 *                         (but those about several CPUs and irqs_off)
 *   bench trace     each operation once, between marks for the host's debugger
 *   bench turns     the timed ones, designs side by side
 */
#include "bench.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "tests/probe/abi.h"

const struct benchmark benchmarks[] = {
	{ "syscall_null", measure_null, trace_null, IN_ALL | IN_TURNS },
	{ "syscall_copy64", measure_copy64, trace_copy64, IN_ALL | IN_TURNS },
	{ "syscall_sleep", measure_sleep, trace_sleep, IN_ALL | IN_TURNS },
	{ "syscall_latency", measure_latency, NULL, IN_ALL },
	{ "irq_user", measure_irq_user, trace_irq_user, IN_ALL | IN_TURNS },
	{ "irq_kernel", measure_irq_kernel, trace_irq_kernel, IN_ALL | IN_TURNS },
	{ "page_fault", measure_page_fault, trace_page_fault, IN_ALL | IN_TURNS },
	{ "exception", measure_exception, trace_exception, IN_ALL | IN_TURNS },
	{ "context_switch_thread", measure_switch_thread, trace_switch_thread, IN_ALL | IN_TURNS },
	{ "context_switch_process", measure_switch_process, trace_switch_process,
	  IN_ALL | IN_TURNS },
	{ "context_switch_design", measure_switch_design, NULL, IN_ALL | IN_TURNS },
	{ "thread_create_exit", measure_thread_create, trace_thread_create, IN_ALL | IN_TURNS },
	/* depends on the number of CPUs; counts only under icount */
	{ "thread_create_exit_smp", measure_thread_create_smp, NULL, 0 },
	{ "irqs_off", measure_irqs_off, NULL, 0 },
	{ "memory", measure_memory, NULL, IN_ALL },
	{ "exposure", measure_exposure, NULL, IN_ALL },
};
const size_t benchmark_count = sizeof(benchmarks) / sizeof(benchmarks[0]);

/* Its own process each, so that a figure does not depend on what was measured before it. */
static int run_all(void)
{
	/* exposure has a reader of its own design, which may be one without isolation. */
	sys_spawn_rights(RIGHT_UNISOLATED);
	for (size_t i = 0; i < benchmark_count; i++) {
		long status = 0;

		if (benchmarks[i].runs & IN_ALL)
			status = run("bench", benchmarks[i].name);
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
	printf("bench=%s: no such benchmark. Valid: all, trace, turns", name);
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
	if (!strcmp(arg, "turns"))
		return run_turns();
	if (starts_with(arg, "peer")) {
		peer_main(arg);
		return TEST_PASS;
	}
	if (irqs_off_main(arg))
		return TEST_PASS;
	return run_one(arg);
}
