/* SPDX-License-Identifier: MIT */
/* failing.c - allocations that fail on demand. */
#include "mm/failing.h"
#include "arch/x86_64/cpu.h"
#include "kernel/object/object.h"
#include "mm/frames.h"

uint64_t failing_left;

static uint32_t failing_pid;
static bool failing_all;
static uint64_t failed;

bool failing_now(void)
{
	const struct thread *t = current_thread();

	if (!t->process || t->process->pid != failing_pid)
		return false;
	if (failing_left > 1) {
		failing_left--;
		return false;
	}
	if (!failing_all)
		failing_left = 0;
	failed++;
	return true;
}

uint64_t failing_arm(uint64_t n, bool all)
{
	uint64_t had = failed;

	failed = 0;
	failing_left = 0;
	failing_all = all;
	failing_pid = current_thread()->process->pid;
	failing_left = n;
	frames_watch_failing();
	return had;
}
