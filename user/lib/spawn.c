/* SPDX-License-Identifier: MIT */
/* spawn.c - start other programs, and wait for them. */
#include "string.h"
#include "user.h"

long spawn(const char *program, const char *arg)
{
	return sys_spawn((uintptr_t)program, strlen(program), (uintptr_t)arg, strlen(arg));
}

long run(const char *program, const char *arg)
{
	long pid = spawn(program, arg);

	return pid < 0 ? pid : sys_wait((unsigned long)pid);
}
