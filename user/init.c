/* SPDX-License-Identifier: MIT */
/*
 * init.c - the first process: does what the boot asked for, then ends the machine.
 *
 * Its argument is "" (a plain boot), "tests=user|smp|<program> seed=<n>",
 * "tests=torture-<milliseconds> seed=<n>", "tests=hang seed=<n>", "bench=<what>" or
 * "run=<program>". All but the first, the last, and the one that hangs always end in shutdown().
 * "tests=mixed-<tests>" runs those tests with processes of every entry design: the first that is
 * spawned has one, the second the next.
 * "tests=as-<design>-<tests>" runs the programs of those tests by that design, and
 * "bench=as-<design>-<what>" all processes of a benchmark.
 */
#include "arch/x86_64/x86.h"
#include "designs.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "tests/probe/abi.h"
#include "user.h"

static const char *const test_programs[] = {
#include "test_programs.inc"
};
#define MIXED "mixed-"
#define AS "as-"
#define TEST_COUNT (sizeof(test_programs) / sizeof(test_programs[0]))

static void shutdown(unsigned long code) __attribute__((noreturn));
static void shutdown(unsigned long code)
{
	long error = sys_shutdown(code);

	printf("init: shutdown(%lu) returned %ld\n", code, error);
	for (;;)
		sys_sleep(0);
}

/* By which programs enter the kernel; DESIGN_COUNT: by the boot's. */
static unsigned as_design = DESIGN_COUNT;

static long run_program(const char *program, const char *arg)
{
	return as_design == DESIGN_COUNT ? run(program, arg) : run_with(program, arg, as_design);
}

/* One KTAP line. Returns whether the run is still good. */
static bool report_test(unsigned number, const char *name, long status)
{
	bool ok = status == TEST_PASS || status == TEST_SKIP;

	if (status < 0)
		printf("# %s did not start: error %ld\n", name, status);
	else if (status & WAIT_KILLED)
		printf("# %s was killed by vector %ld\n", name, status & ~(long)WAIT_KILLED);
	else if (!ok)
		printf("# %s ended with exit code %ld\n", name, status);
	printf("%sok %u - %s%s\n", ok ? "" : "not ", number, name,
	       status == TEST_SKIP ? " # SKIP the reason stands above" : "");
	return ok;
}

/* @seed is "seed=<n>": printed for whoever must repeat a failure, and every program's argument. */
static void run_tests(const char *const *names, size_t count, const char *seed)
{
	bool good = true;

	sys_spawn_rights(RIGHTS_ALL);
	printf("KTAP version 1\n# seed %lu\n1..%zu\n", test_seed(seed), count);
	for (size_t i = 0; i < count; i++) {
		good &= report_test((unsigned)i + 1, names[i], run_program(names[i], seed));
		good &= sys_bench_control(BENCH_CHECK, 0) == 0;
		/* A test that died may have left these as it needed them. */
		sys_bench_control(BENCH_MIGRATE, 0);
		smp_set_timers(TIMER_HZ_NORMAL);
	}
	shutdown(good ? EXIT_PASS : EXIT_FAIL);
}

/* The tests of several CPUs; the names are sorted. */
static void run_smp_tests(const char *seed)
{
	size_t first = 0, count = 0;

	while (!starts_with(test_programs[first], "test_smp_"))
		first++;
	while (first + count < TEST_COUNT && starts_with(test_programs[first + count], "test_smp_"))
		count++;
	run_tests(test_programs + first, count, seed);
}

/* @arg is "torture-<milliseconds> seed=<n>", see tests/programs/torture/main.c. */
static void torture(const char *arg)
{
	sys_spawn_rights(RIGHTS_ALL);
	printf("KTAP version 1\n1..1\n");
	shutdown(report_test(1, "torture", run_program("torture", arg)) ? EXIT_PASS : EXIT_FAIL);
}

/* @arg is "@program... seed=<n>", see its main.c. It prints the KTAP itself. */
static void by_itself(const char *program, const char *arg)
{
	long status;

	sys_spawn_rights(RIGHTS_ALL);
	status = run_program(program, arg);
	if (status & WAIT_KILLED || status < 0)
		printf("# %s ended with status 0x%lx\nnot ok - %s\n", program, status, program);
	shutdown(status == TEST_PASS ? EXIT_PASS : EXIT_FAIL);
}

/* @arg is "fuzz seed=<n>" or "fuzz-<calls> seed=<n>", see tests/programs/fuzz/main.c. */
static void fuzz(const char *arg)
{
	printf("KTAP version 1\n1..1\n");
	shutdown(report_test(1, "fuzz", run_program("fuzz", arg)) ? EXIT_PASS : EXIT_FAIL);
}

/* Is @which @prefix and a number? */
static bool counted(const char *which, const char *prefix)
{
	const char *digit = which + strlen(prefix);

	if (!starts_with(which, prefix) || !*digit)
		return false;
	while (*digit >= '0' && *digit <= '9')
		digit++;
	return !*digit;
}

/* Is @which @program, alone or with words after it that the program reads? */
static bool with_words(const char *which, const char *program)
{
	const char *rest = which + strlen(program);

	return starts_with(which, program) && (!*rest || (*rest == '-' && rest[1]));
}

/* What comes after "mixed-" or "as-<design>-" in @arg, and it is done. */
static const char *after_design(const char *arg)
{
	const char *rest = arg + strlen(AS), *found = arg;
	size_t longest = 0;

	if (starts_with(arg, MIXED)) {
		sys_bench_control(BENCH_MIX, MIX_IN_TURN);
		return arg + strlen(MIXED);
	}
	for (unsigned n = 0; starts_with(arg, AS) && n < DESIGN_COUNT; n++) {
		size_t len = strlen(design_name(n));

		if (len >= longest && starts_with(rest, design_name(n)) && rest[len] == '-') {
			longest = len;
			found = rest + len + 1;
			as_design = n;
		}
	}
	return found;
}

/* @arg is "<which> seed=<n>". */
static void tests(const char *arg)
{
	char which[ARGUMENT_MAX + 1] = "";
	size_t n = 0;

	arg = after_design(arg);
	for (; arg[n] && arg[n] != ' '; n++)
		which[n] = arg[n];
	which[n] = '\0';
	const char *seed = arg[n] ? arg + n + 1 : "";

	if (counted(which, "torture-") || counted(which, "torture-threads-"))
		torture(arg);
	if (with_words(which, "fire"))
		by_itself("fire", arg);
	if (with_words(which, "races"))
		by_itself("races", arg);
	if (!strcmp(which, "fuzz") || counted(which, "fuzz-"))
		fuzz(arg);
	if (!strcmp(which, "init-leaves"))
		sys_thread_exit();
	if (!strcmp(which, "hang"))
		run("hang", "");
	if (!strcmp(which, "smp"))
		run_smp_tests(seed);
	if (!strcmp(which, "user"))
		run_tests(test_programs, TEST_COUNT, seed);
	for (size_t i = 0; i < TEST_COUNT; i++)
		if (!strcmp(which, test_programs[i]))
			run_tests(&test_programs[i], 1, seed);
	printf("tests=%s: no such test. Valid: kernel, user, smp, fire, races, fuzz, fuzz-<calls>, "
	       "hang, init-leaves, "
	       "torture-<milliseconds>, torture-threads-<milliseconds>, mixed-<one of these>, "
	       "as-<design>-<one of these>",
	       which);
	for (size_t i = 0; i < TEST_COUNT; i++)
		printf(", %s", test_programs[i]);
	printf("\n");
	shutdown(EXIT_USAGE);
}

static void bench(const char *which)
{
	long status;

	which = after_design(which);
	sys_spawn_rights(RIGHTS_ALL);
	if (as_design != DESIGN_COUNT)		/* a benchmark's other processes are of it, too */
		sys_bench_control(BENCH_MIX, MIX_PARENT);
	status = run_program("bench", which);
	if (status & WAIT_KILLED || status < 0)
		printf("init: bench ended with status %ld\n", status);
	shutdown(status == 0 ? EXIT_PASS : status == EXIT_USAGE ? EXIT_USAGE : EXIT_FAIL);
}

/* The price of the way in and out, live: the best of many, for the host may take the processor
 * away at any time. */
static uint64_t null_syscall_ticks(void)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 1000; i++) {
		uint64_t start = rdtsc();

		sys_null();

		uint64_t ticks = rdtsc() - start;

		if (ticks < best)
			best = ticks;
	}
	return best;
}

/* A program that shows something; the machine goes on afterwards. */
static void show(const char *program)
{
	long status;

	sys_spawn_rights(RIGHTS_ALL);
	status = strcmp(program, "init") ? run(program, "") : -ENOENT;	/* not another of us */
	if (status == -ENOENT)
		printf("init: run=%s: no such program to show something; run=designs shows every "
		       "design at once\n", program);
	else if (status)
		printf("init: run=%s ended with status %ld\n", program, status);
	if (status)
		shutdown(status == -ENOENT ? EXIT_USAGE : EXIT_FAIL);
	printf("\nThe machine is yours: end it from outside (QEMU on a terminal: Ctrl-A X).\n");
}

static void welcome(void)
{
	printf("\n"
	       "Welcome to Vestibule: the room between a program and its kernel, in several "
	       "designs.\n"
	       "By %s this program enters the kernel; another may enter by another.\n"
	       "Just now, from user mode: the cheapest of 1000 null system calls took %lu TSC "
	       "ticks.\n"
	       "\n",
	       design_name((unsigned long)sys_design()), null_syscall_ticks());
	printf("  make compare              all designs side by side, with exact counts\n"
	       "  bench=all, bench=<name>   on the kernel command line: this design's figures\n"
	       "  tests=kernel, tests=user  the tests that run inside\n"
	       "  run=designs               every design at once, side by side in one boot\n"
	       "\n"
	       "init sleeps now; end the machine from outside (QEMU on a terminal: Ctrl-A X).\n");
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (starts_with(arg, "tests="))
		tests(arg + strlen("tests="));
	if (starts_with(arg, "bench="))
		bench(arg + strlen("bench="));
	if (starts_with(arg, "run=")) {
		show(arg + strlen("run="));
	} else if (*arg) {
		printf("init: argument '%s' is none of tests=..., bench=..., run=...\n", arg);
		shutdown(EXIT_USAGE);
	} else {
		welcome();
	}
	for (;;)
		sys_sleep(0);
}
