/* SPDX-License-Identifier: MIT */
/* failing.c - allocations that fail on demand. */
#include "tests/probe/failing.h"
#include "arch/x86_64/percpu.h"
#include "kernel/lib/probe.h"
#include "kernel/object/object.h"
#include "mm/frames.h"

static uint64_t left;			/* allocations until one fails; 0: none does */
static uint32_t pid;			/* whose count */
static bool fail_all;
static uint64_t failed;

static bool allocation_fails(void)
{
	const struct thread *t = current_thread();

	if (!left || !t->process || t->process->pid != pid)
		return false;
	if (left > 1) {
		left--;
		return false;
	}
	if (!fail_all)
		left = 0;
	failed++;
	return true;
}

uint64_t failing_arm(uint64_t n, bool all)
{
	uint64_t had = failed;

	left = 0;
	failed = 0;
	fail_all = all;
	pid = current_thread()->process->pid;
	probe.allocation_fails = n ? allocation_fails : NULL;
	left = n;
	frames_forget_hint();
	return had;
}
