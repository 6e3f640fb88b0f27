/* SPDX-License-Identifier: MIT */
/* test_spawn_wait.c - processes: argument strings, exit codes, what wait() and spawn() refuse. */
#include "print.h"
#include "string.h"
#include "test.h"
#include "user.h"

#define PROGRAM "test_spawn_wait"
#define AT_ONCE 12

static void exit_codes(void)
{
	char arg[32];

	for (unsigned code = 0; code < 256; code += 17) {
		snprintf(arg, sizeof(arg), "child=exit,%u", code);
		CHECK_EQUAL(run(PROGRAM, arg), code);
	}
}

static void at_once(void)
{
	long pid[AT_ONCE];
	char arg[32];

	for (unsigned i = 0; i < AT_ONCE; i++) {
		snprintf(arg, sizeof(arg), "child=exit,%u", i);
		pid[i] = spawn(PROGRAM, arg);
		CHECK(pid[i] > 0);
	}
	/* The last first: most have ended long before somebody asks. */
	for (unsigned i = AT_ONCE; i-- > 0;) {
		CHECK_EQUAL(sys_wait((unsigned long)pid[i]), i);
		CHECK_EQUAL(sys_wait((unsigned long)pid[i]), -ECHILD);
	}
}

/* A child's own child is not ours to wait for. */
static int grandchild(void)
{
	long pid = spawn(PROGRAM, "child=exit,0");

	return pid > 0 && sys_wait((unsigned long)pid) == 0 ? (int)(pid & 0x7f) : 255;
}

static void refused_names(void)
{
	static char longest[512];
	unsigned long arg = (uintptr_t)longest;

	memset(longest, 'a', sizeof(longest) - 1);
	CHECK_EQUAL(spawn("no_such_program", ""), -ENOENT);
	CHECK_EQUAL(spawn("ini", ""), -ENOENT);
	CHECK_EQUAL(spawn("init2", ""), -ENOENT);
	CHECK_EQUAL(spawn("./init", ""), -ENOENT);
	CHECK_EQUAL(spawn("../init", ""), -ENOENT);
	CHECK(spawn("", "") < 0);
	CHECK_EQUAL(spawn(longest, ""), -EINVAL);
	CHECK(sys_spawn((uintptr_t)"\0", 1, arg, 0) < 0);
}

static void refused_waits(void)
{
	static const unsigned long pids[] = { 0,	  1,	     0x7fffffff,
					      0xffffffff, 1ul << 32, 1ul << 32 | 1,
					      ~0ul };

	for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]); i++)
		CHECK_EQUAL(sys_wait(pids[i]), -ECHILD);
}

/* The argument string arrives, all of it, whatever is in it. */
static void arguments(void)
{
	CHECK_EQUAL(run(PROGRAM, "child=text,with spaces, commas = and \x01\xff bytes"), 0);
	CHECK_EQUAL(run(PROGRAM, "child=text,"), TEST_FAIL);
}

static int child(const char *what)
{
	if (starts_with(what, "exit,"))
		return (int)parse_number(what + strlen("exit,"));
	if (starts_with(what, "text,"))
		return strcmp(what, "text,with spaces, commas = and \x01\xff bytes") ? TEST_FAIL :
										       TEST_PASS;
	if (!strcmp(what, "grandchild"))
		return grandchild();
	return TEST_FAIL;
}

int main(const char *arg, size_t len)
{
	if (strlen(arg) != len)
		return 254;
	if (starts_with(arg, "child="))
		return child(arg + strlen("child="));
	exit_codes();
	at_once();
	CHECK(run(PROGRAM, "child=grandchild") < 0x80);
	refused_names();
	refused_waits();
	arguments();
	CHECK_EQUAL(sys_shutdown(EXIT_PASS), -EPERM);	/* the first process's alone */
	return test_result();
}
