/* SPDX-License-Identifier: MIT */
/*
 * test_meltdown.c - Meltdown's view: who reads which secret through a user root when U/S does not
 * count?
 *
 * Each pair of entry designs that this boot can run is played: victim of one, reader of the other.
 * The reader's own design decides.  On one table for user and kernel it reads everything, whatever
 * the victim has.  With a table for each it reads nothing that only the kernel or another process
 * has.  What happens to the registers of a sleeping thread is the design's own matter, among its
 * own processes: it is printed, and judged on the host (tests/boot/meltdown.py).
 *
 * "At once" is before anybody has entered the kernel after the sleeper, or left it: a reader on the
 * same CPU comes too late for that, one on another CPU does not.  "Elsewhere" is just that: the
 * sleeper was on another CPU, where nobody comes.
 */
#include "designs.h"
#include "print.h"
#include "secrets.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROGRAM		"test_meltdown"
#define BIT(secret)	(1ul << (secret))
#define ALL		(BIT(SECRETS) - 1)
#define PLANTED		(ALL & ~BIT(SECRET_NOWHERE))
#define REGISTERS	BIT(SECRET_REGISTERS)
#define SUCCESSORS	4

static bool is_split(void)
{
	return sys_bench_control(BENCH_SPLIT, 0) == 1;
}

/* "-", "all", or the names with a "+" between them. */
static const char *words(char *buf, size_t size, uint64_t set)
{
	size_t used = 0;

	if (set == PLANTED)
		return "all";
	for (unsigned i = 0; i < SECRET_NOWHERE; i++)
		if (set & BIT(i))
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? "+" : "",
						 secret_names[i]);
	return used ? buf : "-";
}

/* --- the victim --------------------------------------------------------------------- */

struct pair {
	unsigned reader;		/* its design's number */
	bool reader_split;
};

static void print_row(const struct pair *p, const char *who, uint64_t entered, uint64_t at_once,
		      uint64_t elsewhere)
{
	char a[48], b[48], c[48];

	printf("# %9s  %9s  %9s  %18s  %18s  %18s\n", design_name((unsigned long)sys_design()),
	       design_name(p->reader), who, words(a, sizeof(a), entered),
	       words(b, sizeof(b), at_once),
	       smp_count() > 1 ? words(c, sizeof(c), elsewhere) : "no other CPU");
}

/* Of the registers the reader sees what its own design shows it of its own kind. */
static void check_stranger(const struct pair *p, uint64_t seen)
{
	if (!p->reader_split)
		CHECK_EQUAL(seen, PLANTED);
	else if (p->reader == (unsigned)sys_design())
		CHECK_EQUAL(seen & ~REGISTERS, 0);
	else
		CHECK_EQUAL(seen, 0);
}

/* Its own memory a process reads, of course; the kernel's it does not. */
static void check_sibling(uint64_t seen)
{
	if (is_split())
		CHECK_EQUAL(seen & ~REGISTERS, BIT(SECRET_PROCESS));
	else
		CHECK_EQUAL(seen, PLANTED);
}

/* In a child of a process of the reader's design, so that there is somebody to come after it. */
static int victim(const struct pair *p)
{
	struct sightings there = { 0 }, s;

	sys_spawn_rights(RIGHT_UNISOLATED);
	if (smp_count() > 1) {
		if (!CHECK_EQUAL(secrets_expose_elsewhere(&there), 0))
			return TEST_FAIL;
		check_stranger(p, there.unrelated_at_once);
		check_sibling(there.sibling_at_once);
	}
	if (!CHECK_EQUAL(secrets_expose(&s, ALL, p->reader), 0))
		return TEST_FAIL;
	print_row(p, "stranger", s.unrelated, s.unrelated_at_once, there.unrelated_at_once);
	if (p->reader == (unsigned)sys_design())
		print_row(p, "sibling", s.sibling, s.sibling_at_once, there.sibling_at_once);
	check_stranger(p, s.unrelated);
	check_stranger(p, s.unrelated_at_once);
	check_sibling(s.sibling);
	check_sibling(s.sibling_at_once);
	return test_result();
}

/* --- the reader, its parent ----------------------------------------------------------- */

static void sleep_until_woken(void *unused)
{
	(void)unused;
	sys_sleep(0);
}

/* What a CPU's entry stack holds is overwritten by whoever of its design comes in there next. */
static void enter_on_each_cpu(void)
{
	for (unsigned i = 0; i < smp_count(); i++)
		smp_pin(smp_cpu(i));
	smp_unpin();
}

/* The dead victim's stacks go to this process's next threads: they must come without what it left
 * there. */
static void succeed(void)
{
	struct user_thread thread[SUCCESSORS];

	for (int i = 0; i < SUCCESSORS; i++)
		CHECK_EQUAL(thread_start(&thread[i], sleep_until_woken, NULL), 0);
	enter_on_each_cpu();
	CHECK_EQUAL(sys_bench_control(BENCH_LOOK, ALL), 0);
	for (int i = 0; i < SUCCESSORS; i++) {
		sys_wake((unsigned long)thread[i].tid);
		thread_finish(&thread[i]);
	}
}

/* Run this program by design @design; -ENOTSUP is no failure, but the boot's. */
static void run_by(unsigned design, const char *arg)
{
	long pid = spawn_with(PROGRAM, arg, design);

	if (pid != -ENOTSUP && CHECK(pid > 0))
		CHECK_EQUAL(sys_wait((unsigned long)pid), TEST_PASS);
}

static int reader(void)
{
	unsigned own = (unsigned)sys_design();
	char arg[24];

	sys_spawn_rights(RIGHT_UNISOLATED);
	snprintf(arg, sizeof(arg), "victim=%u", own * 2 + is_split());
	for (unsigned design = 0; design < DESIGN_COUNT; design++) {
		run_by(design, arg);
		if (is_split())
			succeed();
	}
	return test_result();
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (starts_with(arg, "victim=")) {
		unsigned n = (unsigned)parse_number(arg + strlen("victim="));

		return victim(&(struct pair){ n / 2, n % 2 });
	}
	if (!strcmp(arg, "reader"))
		return reader();
	smp_set_timers(0);
	sys_spawn_rights(RIGHT_UNISOLATED);
	printf("# %9s  %9s  %9s  %18s  %18s  %18s\n", "victim", "reader", "who", "entered",
	       "at once", "elsewhere");
	for (unsigned design = 0; design < DESIGN_COUNT; design++)
		run_by(design, "reader");
	smp_set_timers(TIMER_HZ_NORMAL);
	return test_result();
}
