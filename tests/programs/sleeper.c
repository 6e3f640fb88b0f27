/* SPDX-License-Identifier: MIT */
/* sleeper.c - the smallest process there is: it sleeps once, then ends. Others count what it
 * costs. */
#include "user.h"

#define SLEEP_NS 1000000	/* counted only while the timer runs: bench stops it first */

int main(const char *arg, size_t len)
{
	(void)arg;
	(void)len;
	sys_sleep(SLEEP_NS);
	return 0;
}
