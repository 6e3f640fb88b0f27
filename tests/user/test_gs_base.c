/* SPDX-License-Identifier: MIT */
/*
 * test_gs_base.c - a program's GS base is 0, also after somebody left a stack of the processor's
 * for good: a program that #DB killed was the last one here.
 */
#include "string.h"
#include "test.h"
#include "user.h"

#define PROGRAM "test_gs_base"
#define ROUNDS 5

static const uint64_t word = 0x0f1e2d3c4b5a6978;

static uint64_t read_by_gs(const uint64_t *at)
{
	uint64_t v;

	__asm__ volatile("mov %%gs:(%1), %0" : "=r"(v) : "r"(at) : "memory");
	return v;
}

static void step(void)
{
	__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop" : : : "memory", "cc");
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (!strcmp(arg, "child=step")) {
		step();
		return TEST_FAIL;
	}
	CHECK_EQUAL(read_by_gs(&word), word);
	for (int i = 0; i < ROUNDS; i++) {
		test_child(PROGRAM, "step", KILLED_BY(1));
		CHECK_EQUAL(read_by_gs(&word), word);
	}
	return test_result();
}
