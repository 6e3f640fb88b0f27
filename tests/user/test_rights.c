/* SPDX-License-Identifier: MIT */
/* test_rights.c - what hurts others takes a right, and a right is handed on on purpose only. */
#include "string.h"
#include "test.h"
#include "user.h"

#define PROGRAM "test_rights"

static int unprivileged(void)
{
	CHECK_EQUAL(sys_set_priority(0, PRIORITY_URGENT), -EPERM);
	CHECK_EQUAL(sys_set_priority(0, PRIORITY_BACKGROUND), 0);
	CHECK_EQUAL(sys_set_priority(0, PRIORITY_USUAL), 0);
	CHECK_EQUAL(sys_spawn_rights(RIGHT_PRIORITY), -EPERM);
	CHECK_EQUAL(sys_spawn_rights(RIGHT_UNISOLATED), -EPERM);
	CHECK_EQUAL(sys_spawn_rights(RIGHTS_ALL), -EPERM);
	CHECK_EQUAL(sys_spawn_rights(~0ul), -EPERM);
	CHECK_EQUAL(sys_spawn_rights(0), 0);
	return test_result();
}

static int privileged(void)
{
	CHECK_EQUAL(sys_set_priority(0, PRIORITY_URGENT), 0);
	CHECK_EQUAL(sys_set_priority(0, PRIORITY_USUAL), 0);
	CHECK_EQUAL(sys_spawn_rights(RIGHTS_ALL), -EPERM);	/* of two it has one */
	CHECK_EQUAL(run(PROGRAM, "child=unprivileged"), 0);	/* a right is not handed on by
								 * itself */
	return test_result();
}

static int rights(void)
{
	CHECK_EQUAL(run(PROGRAM, "child=unprivileged"), 0);
	CHECK_EQUAL(sys_spawn_rights(RIGHT_PRIORITY), 0);
	CHECK_EQUAL(run(PROGRAM, "child=privileged"), 0);
	CHECK_EQUAL(sys_spawn_rights(RIGHTS_ALL + 1), -EPERM);
	CHECK_EQUAL(sys_spawn_rights(0), RIGHT_PRIORITY);
	CHECK_EQUAL(run(PROGRAM, "child=unprivileged"), 0);
	return test_result();
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (!strcmp(arg, "child=unprivileged"))
		return unprivileged();
	return strcmp(arg, "child=privileged") ? rights() : privileged();
}
