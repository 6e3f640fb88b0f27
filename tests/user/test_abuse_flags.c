/* SPDX-License-Identifier: MIT */
/* test_abuse_flags.c - system calls and exceptions with every flag a program can set, one by one
 * and together. */
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "bystander.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "user.h"

#define PROGRAM "test_abuse_flags"
#define ALL_BUT_TF 0x244cd5ul	/* CF PF AF ZF SF DF OF NT AC ID */

/* Load @flags, call null, and tell the flags right before and right after. POPF ignores what a
 * program may not set. */
static void around_syscall(unsigned long flags, unsigned long *before, unsigned long *after)
{
	unsigned long result;

	__asm__ volatile("push %[flags]\n\t"
			 "popfq\n\t"
			 "pushfq\n\t"
			 "syscall\n\t"
			 "pushfq\n\t"
			 "pop %[after]\n\t"
			 "pop %[before]\n\t"
			 "push %[calm]\n\t"
			 "popfq"
			 : "=a"(result), [before] "=&r"(*before), [after] "=&r"(*after)
			 : "0"((unsigned long)SYS_yield), [flags] "r"(flags), [calm] "r"(FLAG_FIXED)
			 : "rcx", "r11", "memory", "cc");
	CHECK_EQUAL(result, 0);
}

static void check_flags(unsigned long flags)
{
	unsigned long before, after;

	around_syscall(flags, &before, &after);
	if (before != after)
		printf("# flags 0x%lx before the call, 0x%lx after it\n", before, after);
	CHECK(before == after);
	CHECK_EQUAL(before & ALL_BUT_TF, flags & ALL_BUT_TF);
	CHECK(before & FLAG_IF && !(before & FLAG_IOPL));
}

/* "child=<ud|bp|tf|pf>,<flags>": with these flags, an exception. */
static void commit(const char *how, unsigned long flags)
{
	unsigned long value = FLAG_FIXED | flags;

	if (starts_with(how, "ud"))
		__asm__ volatile("push %0; popfq; ud2" : : "r"(value) : "memory", "cc");
	else if (starts_with(how, "bp"))
		__asm__ volatile("push %0; popfq; int3" : : "r"(value) : "memory", "cc");
	else if (starts_with(how, "pf"))
		__asm__ volatile("push %0; popfq; mov 0, %%rax"
				 :
				 : "r"(value)
				 : "rax", "memory", "cc");
	else if (starts_with(how, "tf"))
		__asm__ volatile("push %0; popfq; syscall; nop; nop"
				 : : "r"(value | FLAG_TF), "a"((unsigned long)SYS_null)
				 : "rcx", "r11", "memory", "cc");
}

static void child(const char *how, unsigned long flags, unsigned vector)
{
	char name[32];

	snprintf(name, sizeof(name), "%s,%lu", how, flags);
	test_child(PROGRAM, name, KILLED_BY(vector));
}

static void exceptions(unsigned long flags)
{
	child("ud", flags, VECTOR_UD);
	child("bp", flags, VECTOR_BP);
	child("pf", flags, VECTOR_PF);
	/* TF and SYSCALL: the step trap comes in user mode, after the call at the latest. */
	child("tf", flags, VECTOR_DB);
}

int main(const char *arg, size_t len)
{
	struct bystander_thread witness;

	(void)len;
	if (starts_with(arg, "child=")) {
		commit(arg + strlen("child="), parse_number(arg + strlen("child=ud,")));
		return TEST_PASS;
	}
	CHECK_EQUAL(bystander_start(&witness, 3), 0);
	check_flags(FLAG_FIXED);
	exceptions(0);
	for (unsigned bit = 0; bit < 64; bit++) {
		if (1ul << bit == FLAG_TF)
			continue;	/* in a child: it traps */
		check_flags(FLAG_FIXED | 1ul << bit);
		if (ALL_BUT_TF >> bit & 1)
			exceptions(1ul << bit);
	}
	check_flags(FLAG_FIXED | ALL_BUT_TF);
	check_flags(~FLAG_TF);
	exceptions(ALL_BUT_TF);
	CHECK(bystander_stop(&witness));
	return test_result();
}
