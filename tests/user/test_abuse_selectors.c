/* SPDX-License-Identifier: MIT */
/*
 * test_abuse_selectors.c - every selector value in DS, ES, FS and GS.
 *
 * VERR tells, without a fault, which of the 65536 a program may load. Those (and
 * the null ones) are loaded here, all of them, and must stay over a switch; of
 * the others a sample dies in children: each index of the GDT and of an LDT
 * near 0 with each RPL, and random ones.
 */
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "bystander.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "user.h"

#define PROGRAM "test_abuse_selectors"
#define NEAR 256		/* 32 indices x 2 tables x 4 RPLs */
#define RANDOM 64

enum segment { DS, ES, FS, GS, SEGMENTS };

static void load(enum segment segment, unsigned selector)
{
	switch (segment) {
	case DS: __asm__ volatile("mov %w0, %%ds" : : "r"(selector)); break;
	case ES: __asm__ volatile("mov %w0, %%es" : : "r"(selector)); break;
	case FS: __asm__ volatile("mov %w0, %%fs" : : "r"(selector)); break;
	case GS: __asm__ volatile("mov %w0, %%gs" : : "r"(selector)); break;
	default: break;
	}
}

static unsigned held(enum segment segment)
{
	return read_selectors() >> (16 * segment) & 0xffff;
}

static bool is_null(unsigned selector)
{
	return selector < 4;
}

static bool readable(unsigned selector)
{
	bool ok;

	__asm__ volatile("verr %w1" : "=@ccz"(ok) : "r"(selector));
	return ok;
}

/* Load it everywhere, and let others run. IRET to user mode may turn the null selectors 1 to 3 into
 * 0. */
static void load_everywhere(unsigned selector)
{
	for (enum segment s = DS; s < SEGMENTS; s++) {
		load(s, selector);
		CHECK(held(s) == selector || is_null(selector));
	}
	sys_yield();
	for (enum segment s = DS; s < SEGMENTS; s++) {
		CHECK(held(s) == selector || (is_null(selector) && held(s) == 0));
		load(s, 0);
	}
}

static unsigned sweep(void)
{
	unsigned loadable = 0;

	for (unsigned selector = 0; selector < 0x10000; selector++) {
		if (!is_null(selector) && !readable(selector))
			continue;
		load_everywhere(selector);
		loadable++;
		/* Null, and what the GDT offers to programs; nothing with the LDT bit, for there is
		 * none. */
		CHECK(is_null(selector) || (selector | 3) == SEL_USER_DATA ||
		      (selector | 3) == SEL_USER_CODE);
	}
	return loadable;
}

static void refuse(enum segment segment, unsigned selector)
{
	char name[32];

	if (is_null(selector) || readable(selector))
		return;
	snprintf(name, sizeof(name), "%u,%u", (unsigned)segment, selector);
	test_child(PROGRAM, name, KILLED_BY(VECTOR_GP) | KILLED_BY(VECTOR_NP));
}

int main(const char *arg, size_t len)
{
	struct bystander_thread witness;
	uint64_t random = test_seed(arg), pick;

	(void)len;
	if (starts_with(arg, "child=")) {
		const char *s = arg + strlen("child=");

		load((enum segment)(*s - '0'), (unsigned)parse_number(s + 2));
		return TEST_PASS;
	}
	CHECK_EQUAL(bystander_start(&witness, 5), 0);
	printf("# %u selector values can be loaded\n", sweep());
	for (unsigned selector = 0; selector < NEAR; selector++) {
		/* The GDT's own slots in each register, the rest in one or another. */
		for (enum segment s = DS; s < SEGMENTS; s++)
			if (selector < 0x40 || s == selector / 8 % SEGMENTS)
				refuse(s, selector);
	}
	for (unsigned i = 0; i < RANDOM; i++) {
		pick = test_random(&random);
		refuse((enum segment)(pick >> 60 & 3), pick >> 40 & 0xffff);
	}
	refuse(DS, 0xffff);
	CHECK(bystander_stop(&witness));
	return test_result();
}
