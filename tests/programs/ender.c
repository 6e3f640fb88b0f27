/* SPDX-License-Identifier: MIT */
/* ender.c - a process that ends: at once, or with the argument "<cpu>,<n>" after n turns on that
 * CPU. */
#include "smp.h"
#include "string.h"
#include "user.h"

int main(const char *arg, size_t len)
{
	uint64_t turns = 0;

	if (len) {
		smp_pin((unsigned)parse_number(arg));
		while (*arg && *arg != ',')
			arg++;
		turns = parse_number(arg + 1);
	}
	while (turns--)
		__asm__ volatile("pause");
	return 0;
}
