/* SPDX-License-Identifier: MIT */
/*
 * test_design.c - a process enters the kernel by the design that its parent chose; who may choose
 * what.
 *
 * A boot runs all designs, or it is a design's without isolation, which runs alone.  In the first
 * kind a child without isolation takes RIGHT_UNISOLATED, and each one is told on the console.  So
 * this program says which it started: tests/boot/choice.py compares.
 */
#include "designs.h"
#include "mm/layout.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROGRAM		"test_design"
#define UNPRIVILEGED	"unprivileged="
#define PRIVILEGED	"privileged="

/* What the first process of this program has found out; its children are told. */
struct boot {
	unsigned alone;			/* the one design that there is, or DESIGN_COUNT */
	uint64_t unsplit;		/* bit n: design n has one table for user and kernel */
};

static long wait_for(long pid)
{
	return pid < 0 ? pid : sys_wait((unsigned long)pid);
}

static long run_by(const struct boot *b, unsigned design, const char *arg)
{
	long pid = spawn_with(PROGRAM, arg, design);

	if (pid > 0 && b->alone == DESIGN_COUNT && b->unsplit >> design & 1)
		printf("# without isolation: child %ld\n", pid);
	return wait_for(pid);
}

/* --- in children ------------------------------------------------------------------- */

static long threads_design;

static void ask(void *unused)
{
	(void)unused;
	threads_design = sys_design();
}

/* The design of all threads, and whether it splits. */
static int who(void)
{
	struct user_thread t;

	CHECK_EQUAL(thread_start(&t, ask, NULL), 0);
	CHECK_EQUAL(thread_finish(&t), 0);
	CHECK_EQUAL(threads_design, sys_design());
	return test_result() ? 255 : (int)sys_design() * 2 + (int)sys_bench_control(BENCH_SPLIT, 0);
}

static long expected(const struct boot *b, unsigned design, long of_unsplit)
{
	if (b->alone != DESIGN_COUNT && b->alone != design)
		return -ENOTSUP;
	if (b->alone == DESIGN_COUNT && b->unsplit >> design & 1)
		return of_unsplit;
	return design * 2 + !(b->unsplit >> design & 1);
}

/* Whatever design the caller itself has. */
static int unprivileged(const struct boot *b)
{
	CHECK_EQUAL(sys_spawn_rights(RIGHT_UNISOLATED), -EPERM);
	CHECK_EQUAL(spawn_with(PROGRAM, "who", DESIGN_COUNT), -EINVAL);
	for (unsigned d = 0; d < DESIGN_COUNT; d++) {
		struct spawn_request nameless = { .design = d };

		CHECK_EQUAL(run_by(b, d, "who"), expected(b, d, -EPERM));
		CHECK_EQUAL(sys_spawn_with((uintptr_t)&nameless),
			    expected(b, d, -EPERM) < 0 ? expected(b, d, -EPERM) : -ENOENT);
	}
	return test_result();
}

/* A right is not handed on by itself. */
static int privileged(const struct boot *b)
{
	char arg[40];

	snprintf(arg, sizeof(arg), UNPRIVILEGED "%lu", b->alone | b->unsplit << 8);
	for (unsigned d = 0; d < DESIGN_COUNT; d++) {
		CHECK_EQUAL(run_by(b, d, "who"), expected(b, d, d * 2));
		CHECK_EQUAL(run_by(b, d, arg), expected(b, d, 0) < 0 ? -ENOTSUP : TEST_PASS);
	}
	return test_result();
}

static struct boot told(const char *arg)
{
	uint64_t n = parse_number(arg);

	return (struct boot){ .alone = n & 0xff, .unsplit = n >> 8 };
}

/* --- in the first ------------------------------------------------------------------- */

/* Which designs there are: all, or one. */
static void explore(struct boot *b)
{
	unsigned found = 0, unsplit = 0;
	long pid[DESIGN_COUNT], own = sys_design();

	*b = (struct boot){ .alone = DESIGN_COUNT };
	for (unsigned d = 0; d < DESIGN_COUNT; d++) {
		long answer;

		pid[d] = spawn_with(PROGRAM, "who", d);
		answer = wait_for(pid[d]);
		if (answer == -ENOTSUP)
			continue;
		found++;
		CHECK_EQUAL(answer / 2, d);
		CHECK_EQUAL(sys_design(), own);
		if (answer % 2)
			continue;
		b->unsplit |= 1ul << d;
		unsplit++;
	}
	CHECK(found == DESIGN_COUNT || found == 1);
	if (found == 1) {
		CHECK_EQUAL(unsplit, 1);
		b->alone = (unsigned)own;
	}
	for (unsigned d = 0; d < DESIGN_COUNT; d++)
		if (found > 1 && b->unsplit >> d & 1)
			printf("# without isolation: child %ld\n", pid[d]);
}

/* spawn() takes the boot's, whatever the caller has. */
static void spawn_names_none(const struct boot *b)
{
	long usual = run(PROGRAM, "who");

	if (run(PROGRAM, "who") != usual) {
		printf("# tests=mixed-: spawn() takes the next design here, not the boot's\n");
		return;
	}
	for (unsigned d = 0; d < DESIGN_COUNT; d++)
		if (expected(b, d, 0) != -ENOTSUP)
			CHECK_EQUAL(run_by(b, d, "spawn"), usual);
}

static void bad_numbers(void)
{
	static const unsigned long numbers[] = {
		DESIGN_COUNT, DESIGN_COUNT + 1, 64, 255, 256, 1ul << 31, 1ul << 32, 1ul << 63, ~0ul,
	};
	struct spawn_request r = { (uintptr_t)PROGRAM, strlen(PROGRAM), (uintptr_t)"who", 3, 0 };

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		r.design = numbers[i];
		CHECK_EQUAL(sys_spawn_with((uintptr_t)&r), -EINVAL);
	}
	for (unsigned bit = 8; bit < 64; bit++) {	/* all of the word counts */
		r.design = 1ul << bit | (unsigned long)sys_design();
		CHECK_EQUAL(sys_spawn_with((uintptr_t)&r), -EINVAL);
	}
}

static void bad_pointers(void)
{
	static const unsigned long wrong[] = {
		0, 8, PAGE_SIZE - 8, USER_END - 8, USER_END, USER_END + PAGE_SIZE, 1ul << 62,
		DIRECT_MAP_BASE, KERNEL_IMAGE_BASE, ~0ul - 39, ~0ul - 7, ~0ul,
	};
	struct spawn_request r = { .design = (unsigned long)sys_design() };
	char *page = map_memory(PAGE_SIZE, PROT_WRITE);

	if (!CHECK(page))
		return;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CHECK_EQUAL(sys_spawn_with(wrong[i]), -EFAULT);
		r.name = wrong[i], r.name_len = 1;
		r.arg = (uintptr_t)"who", r.arg_len = 3;
		CHECK_EQUAL(sys_spawn_with((uintptr_t)&r), -EFAULT);
		r.name = (uintptr_t)PROGRAM, r.name_len = strlen(PROGRAM);
		r.arg = wrong[i], r.arg_len = 1;
		CHECK_EQUAL(sys_spawn_with((uintptr_t)&r), -EFAULT);
	}
	/* Its last word is on a page that is not there; then the whole of it is. */
	r.arg = (uintptr_t)"who", r.arg_len = 3;
	memcpy(page + PAGE_SIZE - sizeof(r) + 8, &r, sizeof(r) - 8);
	CHECK_EQUAL(sys_spawn_with((uintptr_t)page + PAGE_SIZE - sizeof(r) + 8), -EFAULT);
	memcpy(page + PAGE_SIZE - sizeof(r), &r, sizeof(r));
	CHECK_EQUAL(wait_for(sys_spawn_with((uintptr_t)page + PAGE_SIZE - sizeof(r))) / 2,
		    sys_design());
	sys_unmap((uintptr_t)page, PAGE_SIZE);
}

/* Nothing is started, so the console tells of no child either. */
static void bad_programs(const struct boot *b)
{
	static char long_argument[ARG_MAX + 1];
	unsigned own = (unsigned)sys_design();

	for (unsigned d = 0; d < DESIGN_COUNT; d++) {
		struct spawn_request r = { .design = d };

		if (expected(b, d, 0) == -ENOTSUP)
			continue;
		CHECK_EQUAL(sys_spawn_with((uintptr_t)&r), -ENOENT);
		CHECK_EQUAL(spawn_with("", "", d), -ENOENT);
		CHECK_EQUAL(spawn_with("nobody", "", d), -ENOENT);
		CHECK_EQUAL(spawn_with("a_name_that_is_too_long_", "", d), -EINVAL);
		r = (struct spawn_request){ (uintptr_t)PROGRAM, strlen(PROGRAM),
					    (uintptr_t)long_argument, ARG_MAX + 1, d };
		CHECK_EQUAL(sys_spawn_with((uintptr_t)&r), -EINVAL);
		r.name_len = ~0ul;
		CHECK_EQUAL(sys_spawn_with((uintptr_t)&r), -EINVAL);
	}
	CHECK_EQUAL(sys_design(), own);
}

static void rights(const struct boot *b)
{
	char arg[40];

	sys_spawn_rights(0);
	snprintf(arg, sizeof(arg), UNPRIVILEGED "%lu", b->alone | b->unsplit << 8);
	for (unsigned d = 0; d < DESIGN_COUNT; d++)
		CHECK_EQUAL(run_by(b, d, arg),
			    expected(b, d, 0) == -ENOTSUP ? -ENOTSUP : TEST_PASS);
	sys_spawn_rights(RIGHTS_ALL & ~RIGHT_UNISOLATED);
	CHECK_EQUAL(run(PROGRAM, arg), TEST_PASS);
	sys_spawn_rights(RIGHT_UNISOLATED);
	snprintf(arg, sizeof(arg), PRIVILEGED "%lu", b->alone | b->unsplit << 8);
	CHECK_EQUAL(run(PROGRAM, arg), TEST_PASS);
	sys_spawn_rights(0);
}

int main(const char *arg, size_t len)
{
	struct boot b = { 0 };

	(void)len;
	if (!strcmp(arg, "who"))
		return who();
	if (!strcmp(arg, "spawn"))
		return (int)run(PROGRAM, "who");
	if (starts_with(arg, UNPRIVILEGED)) {
		b = told(arg + strlen(UNPRIVILEGED));
		return unprivileged(&b);
	}
	if (starts_with(arg, PRIVILEGED)) {
		b = told(arg + strlen(PRIVILEGED));
		return privileged(&b);
	}
	explore(&b);
	spawn_names_none(&b);
	bad_numbers();
	bad_pointers();
	bad_programs(&b);
	rights(&b);
	return test_result();
}
