/* SPDX-License-Identifier: MIT */
/*
 * test_debug_kept.c - a breakpoint that is on stays on when #DB has killed somebody else on this
 * CPU meanwhile: what its way in switches off it gives back, also where there is no way back.
 */
#include "smp.h"
#include "string.h"
#include "test.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_debug_kept"

static volatile uint64_t watched;

static void step(void)
{
	__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop" : : : "memory", "cc");
}

/* Dies at its last line but one, or the breakpoint was forgotten. */
static int watch(void)
{
	smp_pin(0);		/* breakpoints are a CPU's */
	if (sys_bench_control(BENCH_BREAK, (unsigned long)&watched | BREAK_WRITE))
		return TEST_FAIL;
	if (run(PROGRAM, "child=step") != (WAIT_KILLED | 1))
		return TEST_FAIL;
	watched = 1;
	return TEST_FAIL;
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (!strcmp(arg, "child=step")) {
		smp_pin(0);
		step();
		return TEST_FAIL;
	}
	if (!strcmp(arg, "child=watch"))
		return watch();
	smp_pin(0);
	CHECK(test_child(PROGRAM, "watch", KILLED_BY(1)));
	sys_bench_control(BENCH_BREAK, 0);
	return test_result();
}
