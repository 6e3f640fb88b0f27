/* SPDX-License-Identifier: MIT */
/* reader.c - an unrelated process that looks for secrets through its own user root. The argument
 * is the set to look for, the exit code the set found, or 255. */
#include "string.h"
#include "user.h"
#include "tests/probe/abi.h"

int main(const char *arg, size_t len)
{
	long found = sys_bench_control(BENCH_LOOK, parse_number(arg));

	(void)len;
	return found < 0 ? 255 : (int)found;
}
