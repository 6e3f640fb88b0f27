/* SPDX-License-Identifier: MIT */
/* start.c - from the kernel's argument string to main() and from its result to exit(). */
#include "string.h"
#include "syscalls.h"
#include "user.h"

static char argument[ARGUMENT_MAX + 1];

void start_main(const char *arg, size_t len) __attribute__((noreturn));
void start_main(const char *arg, size_t len)
{
	/* The kernel hands over bytes; programs want a string that ends. */
	if (len > ARGUMENT_MAX)
		len = ARGUMENT_MAX;
	memcpy(argument, arg, len);

	int code = main(argument, len);

	for (;;)
		sys_exit((unsigned long)code & 0xff);
}
