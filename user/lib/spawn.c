/* SPDX-License-Identifier: MIT */
/* spawn.c - start other programs, and wait for them. */
#include "string.h"
#include "user.h"

long spawn(const char *program, const char *arg)
{
	return sys_spawn((uintptr_t)program, strlen(program), (uintptr_t)arg, strlen(arg));
}

long spawn_with(const char *program, const char *arg, unsigned design)
{
	struct spawn_request r = {
		(uintptr_t)program, strlen(program), (uintptr_t)arg, strlen(arg), design,
	};

	return sys_spawn_with((uintptr_t)&r);
}

long run(const char *program, const char *arg)
{
	long pid = spawn(program, arg);

	return pid < 0 ? pid : sys_wait((unsigned long)pid);
}

long run_with(const char *program, const char *arg, unsigned design)
{
	long pid = spawn_with(program, arg, design);

	return pid < 0 ? pid : sys_wait((unsigned long)pid);
}
