/* SPDX-License-Identifier: MIT */
/*
 * test_abuse_stack.c - a stack pointer that points anywhere.
 *
 * No way into the kernel may use the user's stack: with any RSP a system call
 * works, an interrupt goes unnoticed and an exception is what it is. Only the
 * program's own push must kill it.
 */
#include "arch/x86_64/trapframe.h"
#include "bystander.h"
#include "mm/layout.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_abuse_stack"
#define STORM_HZ 10000

static const unsigned long stacks[] = {
	0,
	8,
	0x1000,
	USER_END,
	USER_END + 0x1000,
	0x800000000000,
	0x8000000000000000,
	0xffff7ffffffffff8,
	DIRECT_MAP_BASE + KERNEL_LOAD_PA,
	KSTACK_AREA_BASE + 0x2000,
	CPU_ENTRY_AREA_BASE + 0x1000,
	CEA_FIRST_BLOCK + (CEA_ENTRY_STACKS_PAGE + 1) * PAGE_SIZE,
	CEA_FIRST_BLOCK + CEA_DOOR_PAGE *PAGE_SIZE,
	TRAMPOLINE_AREA_BASE + 0x2000,
	KERNEL_IMAGE_BASE + KERNEL_LOAD_PA + 0x1001,
	~0ul,
	~0ul - 7,
};
#define STACK_COUNT (sizeof(stacks) / sizeof(stacks[0]))

/* With rsp = @rsp: 1000 times null and yield. The real stack waits in a register the kernel
 * keeps. */
static bool call_with(unsigned long rsp)
{
	unsigned long left = 1000, bad = 0;

	__asm__ volatile("mov %%rsp, %%rbx\n\t"
			 "mov %[rsp], %%rsp\n"
			 "1:\tmov %[null], %%eax\n\t"
			 "syscall\n\t"
			 "or %%rax, %[bad]\n\t"
			 "mov %[yield], %%eax\n\t"
			 "syscall\n\t"
			 "or %%rax, %[bad]\n\t"
			 "cmp %[rsp], %%rsp\n\t"
			 "setne %%al\n\t"
			 "movzbl %%al, %%eax\n\t"
			 "or %%rax, %[bad]\n\t"
			 "dec %[left]\n\t"
			 "jnz 1b\n\t"
			 "mov %%rbx, %%rsp"
			 : [left] "+r"(left), [bad] "+r"(bad)
			 : [rsp] "r"(rsp), [null] "i"(SYS_null), [yield] "i"(SYS_yield)
			 : "rax", "rbx", "rcx", "r11", "memory", "cc");
	return !bad;
}

/* With rsp = @rsp: spin through some timer interrupts. */
static bool spin_with(unsigned long rsp)
{
	unsigned long left = 4000000, found;

	__asm__ volatile("mov %%rsp, %%rbx\n\t"
			 "mov %[rsp], %%rsp\n"
			 "1:\tdec %[left]\n\t"
			 "jnz 1b\n\t"
			 "mov %%rsp, %[found]\n\t"
			 "mov %%rbx, %%rsp"
			 : [left] "+r"(left), [found] "=&r"(found)
			 : [rsp] "r"(rsp)
			 : "rbx", "memory", "cc");
	return found == rsp;
}

/* Which names of children there are, and what must become of them. */
static const struct {
	const char *name;
	uint64_t outcomes;
} deeds[] = {
	{ "call", SURVIVES },
	{ "spin", SURVIVES },
	{ "ud", KILLED_BY(VECTOR_UD) },
	{ "bp", KILLED_BY(VECTOR_BP) },
	{ "pf", KILLED_BY(VECTOR_PF) },
	/* The kernel half faults as a page, a non-canonical address as a stack or (QEMU) in
	 * general. */
	{ "push", KILLED_BY(VECTOR_PF) | KILLED_BY(VECTOR_SS) | KILLED_BY(VECTOR_GP) },
};

static int commit(const char *deed, unsigned long rsp)
{
	if (starts_with(deed, "call"))
		return call_with(rsp) ? TEST_PASS : TEST_FAIL;
	if (starts_with(deed, "spin"))
		return spin_with(rsp) ? TEST_PASS : TEST_FAIL;
	if (starts_with(deed, "ud"))
		__asm__ volatile("mov %0, %%rsp; ud2" : : "r"(rsp));
	if (starts_with(deed, "bp"))
		__asm__ volatile("mov %0, %%rsp; int3" : : "r"(rsp));
	if (starts_with(deed, "pf"))
		__asm__ volatile("mov %0, %%rsp; mov 0, %%rax" : : "r"(rsp));
	if (starts_with(deed, "push"))
		__asm__ volatile("mov %0, %%rsp; push %%rax" : : "r"(rsp));
	return TEST_FAIL;
}

static int in_child(const char *deed)
{
	const char *number = deed;

	while (*number && *number != ',')
		number++;
	return commit(deed, stacks[parse_number(number + 1) % STACK_COUNT]);
}

int main(const char *arg, size_t len)
{
	struct bystander_thread witness;
	char name[32];

	(void)len;
	if (starts_with(arg, "child="))
		return in_child(arg + strlen("child="));
	CHECK_EQUAL(bystander_start(&witness, 4), 0);
	CHECK_EQUAL(sys_bench_control(BENCH_TIMER_HZ, STORM_HZ), 0);
	for (size_t i = 0; i < STACK_COUNT; i++) {
		for (size_t d = 0; d < sizeof(deeds) / sizeof(deeds[0]); d++) {
			snprintf(name, sizeof(name), "%s,%zu", deeds[d].name, i);
			if (!test_child(PROGRAM, name, deeds[d].outcomes))
				printf("# rsp was 0x%lx\n", stacks[i]);
		}
	}
	CHECK_EQUAL(sys_bench_control(BENCH_TIMER_HZ, TIMER_HZ_NORMAL), 0);
	CHECK(bystander_stop(&witness));
	return test_result();
}
