/* SPDX-License-Identifier: MIT */
/*
 * irqsoff.c - the longest stretch with interrupts off, for each system call with the worst
 * arguments that we know.
 *
 *   bench irqs_off           every call, each in a process of its own, and the watch itself first;
 *                            and `fault`: the end of a process that the kernel kills
 *   bench irqs_off-<call>    that call
 *
 * The kernel's watch (tests/probe/irqsoff.h) says what no stretch exceeded while a case was
 * watched: those of the call, and of what it brings about, like the end of a process or the
 * interrupt that wakes sleepers.  The list of calls comes from kernel/syscalls.def, so a call
 * without a case does not link: write worst_<call>(), in the file of its kind.
 */
#include "bench.h"
#include "irqsoff.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "tests/probe/abi.h"

#define PREFIX "irqs_off-"
#define CHILD PREFIX "child-"
#define SELF_TEST_SLACK 1500	/* ticks: the watch's period, and ways into the kernel and out */

struct named {
	const char *name;
	void (*run)(void);
};

#define CALL(name) { #name, worst_##name },
#define FAULT { "fault", worst_fault }
static const struct named calls[] = { SYSCALL_LIST(CALL) FAULT };

static const struct named children[] = {
	{ "quit", child_quit },
	{ "exit", child_exit },
	{ "invalid_opcode", child_invalid_opcode },
	{ "page_fault", child_page_fault },
	{ "limit", child_limit },
	{ "thread_exit", child_thread_exit },
	{ "zombies", child_zombies },
};

static uint64_t longest;

void watch_begin(void)
{
	control(BENCH_IRQS_OFF, 1);
}

void watch_end(void)
{
	uint64_t ticks = control(BENCH_IRQS_OFF, 0);

	longest = ticks > longest ? ticks : longest;
}

long start_child_if_possible(const char *name)
{
	char arg[64];

	snprintf(arg, sizeof(arg), CHILD "%s", name);
	return spawn("bench", arg);
}

unsigned long start_child(const char *name)
{
	long pid = start_child_if_possible(name);

	if (pid < 0) {
		printf("irqs_off: spawn of child %s failed: %ld\n", name, pid);
		sys_exit(1);
	}
	return (unsigned long)pid;
}

/* @table's entry @name runs. False when there is none. */
static bool run_named(const struct named *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(table[i].name, name))
			continue;
		table[i].run();
		return true;
	}
	return false;
}

/* The watch must see a stretch of a known length, however it lies to the watch's period. Nothing is
 * believed else. */
static void test_watch(void)
{
	static const uint64_t lengths[] = { 0, 700, 1234, 9000, 10001, 54321 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		longest = 0;
		watch_begin();
		control(BENCH_KEEP_OFF, lengths[i]);
		watch_end();
		if (longest >= lengths[i] && longest <= lengths[i] + SELF_TEST_SLACK)
			continue;
		printf("irqs_off: interrupts were off for %lu instructions, the watch says %lu (is "
		       "this no icount "
		       "boot?)\n",
		       lengths[i], longest);
		sys_exit(1);
	}
}

/* In a process of its own each: it may leave behind what it likes. */
void measure_irqs_off(void)
{
	smp_set_timers(0);
	smp_pin(smp_cpu(0));
	test_watch();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		char arg[64];
		long status;

		snprintf(arg, sizeof(arg), PREFIX "%s", calls[i].name);
		status = run("bench", arg);
		if (!status)
			continue;
		printf("irqs_off: %s ended with status 0x%lx\n", calls[i].name,
		       (unsigned long)status);
		sys_exit(1);
	}
}

static void measure_call(const char *call)
{
	char name[64];

	smp_pin(smp_cpu(0));
	control(BENCH_TIMER_HZ, 0);
	longest = 0;
	if (!run_named(calls, sizeof(calls) / sizeof(calls[0]), call)) {
		printf("bench=" PREFIX "%s: no such system call\n", call);
		sys_exit(EXIT_USAGE);
	}
	snprintf(name, sizeof(name), "irqs_off.%s", call);
	report_value(name, longest);
}

bool irqs_off_main(const char *arg)
{
	char name[64];
	size_t n = 0;

	if (!starts_with(arg, PREFIX))
		return false;
	if (!starts_with(arg, CHILD)) {
		measure_call(arg + strlen(PREFIX));
		return true;
	}
	smp_pin(smp_cpu(0));
	/* Blanks may follow, to make the argument long. */
	for (arg += strlen(CHILD); arg[n] && arg[n] != ' ' && n < sizeof(name) - 1; n++)
		name[n] = arg[n];
	name[n] = '\0';
	return run_named(children, sizeof(children) / sizeof(children[0]), name);
}
