/* SPDX-License-Identifier: MIT */
/*
 * test_bystander.c - several processes mind their registers while others offend.
 *
 * Every second round of a bystander yields, the others spin under a 10 kHz timer.
 * What they hold in their registers depends on the boot's seed.  A thread of the
 * first process goes on until the last of them has ended: there is always somebody else to run,
 * so that each yield is a switch at least, and SWITCHES of them have been checked.
 */
#include "arch/x86_64/trapframe.h"
#include "bystander.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_bystander"
#define BYSTANDERS 4
#define OFFENDERS 60
#define SWITCHES 260000	/* of all bystanders together; tests/boot/guest.py adds the designs up */
#define STORM_HZ 10000

/* Leaves rubbish in every register it can reach, then dies. */
static void offend(unsigned how)
{
	static const uint64_t rubbish[4] = { ~0ul, 0x5555555555555555, ~0ul, 0xdeadbeefdeadbeef };

	__asm__ volatile("movdqu %0, %%xmm0\n\t"
			 "movdqa %%xmm0, %%xmm7\n\t"
			 "movdqa %%xmm0, %%xmm15\n\t"
			 "mov $0x23, %%eax\n\t"
			 "mov %%eax, %%ds\n\t"
			 "mov %%eax, %%es\n\t"
			 "mov %%eax, %%fs\n\t"
			 "mov %%eax, %%gs"
			 : : "m"(rubbish) : "rax", "xmm0", "xmm7", "xmm15");
	sys_yield();
	switch (how % 5) {
	case 0: __asm__ volatile("std; ud2"); break;
	/* NT, TF and more */
	case 1: __asm__ volatile("push $0x47d7; popfq; mov 0, %%rax" : : : "rax"); break;
	case 2: __asm__ volatile("mov $-8, %rsp; push %rax"); break;
	case 3: __asm__ volatile("hlt"); break;
	case 4: __asm__ volatile("mov $0xdead, %eax; mov %eax, %gs"); break;
	}
}

static uint64_t allowed(unsigned how)
{
	static const unsigned vectors[5] = { VECTOR_UD, VECTOR_DB, VECTOR_PF, VECTOR_GP,
					     VECTOR_GP };

	/* With TF set the step trap may come before or after the page fault. */
	return KILLED_BY(vectors[how % 5]) | (how % 5 == 1 ? KILLED_BY(VECTOR_PF) : 0);
}

static const char *after_comma(const char *s)
{
	while (*s && *s != ',')
		s++;
	return *s ? s + 1 : s;
}

static int child(const char *what)
{
	const char *number = after_comma(what);

	if (starts_with(what, "offend,")) {
		offend((unsigned)parse_number(number));
		return TEST_FAIL;
	}
	/* "bystand,<id>,<rounds>" */
	return bystander_rounds(parse_number(number), parse_number(after_comma(number)), NULL) ?
		       TEST_PASS :
		       TEST_FAIL;
}

static void run_all(uint64_t random)
{
	struct bystander_thread other;
	unsigned long switches = 0;
	long pid[BYSTANDERS];
	char arg[64];

	CHECK_EQUAL(bystander_start(&other, test_random(&random)), 0);
	for (unsigned i = 0; i < BYSTANDERS; i++) {
		snprintf(arg, sizeof(arg), "child=bystand,%lu,%u", test_random(&random),
			 2 * SWITCHES / BYSTANDERS);
		pid[i] = spawn(PROGRAM, arg);
		CHECK(pid[i] > 0);
	}
	for (unsigned i = 0; i < OFFENDERS; i++) {
		snprintf(arg, sizeof(arg), "offend,%u", i);
		test_child(PROGRAM, arg, allowed(i));
	}
	for (unsigned i = 0; i < BYSTANDERS; i++)
		if (CHECK_EQUAL(sys_wait((unsigned long)pid[i]), TEST_PASS))
			switches += SWITCHES / BYSTANDERS;
	CHECK(bystander_stop(&other));
	printf("# bystanders kept their state over %lu switches\n", switches);
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (starts_with(arg, "child="))
		return child(arg + strlen("child="));
	CHECK_EQUAL(sys_bench_control(BENCH_TIMER_HZ, STORM_HZ), 0);
	run_all(test_seed(arg));
	CHECK_EQUAL(sys_bench_control(BENCH_TIMER_HZ, TIMER_HZ_NORMAL), 0);
	return test_result();
}
