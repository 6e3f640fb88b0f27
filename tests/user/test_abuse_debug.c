/* SPDX-License-Identifier: MIT */
/*
 * test_abuse_debug.c - breakpoints and single steps that want to trap in the kernel.
 *
 * A MOV to SS holds a #DB back until the next instruction is done (SDM vol. 3A, 6.8.3). When the
 * MOV reads a word with a breakpoint and the next instruction is SYSCALL or INT n, the #DB comes in
 * ring 0 with the user's GS, table and stack (CVE-2018-8897); QEMU's TCG has it in user mode, Bochs
 * where the hardware has it. TF and a word that the kernel copies are the other ways.  The program
 * must be what ends, by #DB; the POP SS of the old days is no instruction in 64-bit mode.  The
 * breakpoint is one CPU's: all children and their parent stay on it.
 */
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "bystander.h"
#include "mm/layout.h"
#include "print.h"
#include "smp.h"
#include "test.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_abuse_debug"

/* Only a child touches these. */
static uint32_t word __attribute__((aligned(8))) = SEL_USER_DATA;
static char buffer[64] __attribute__((aligned(64))), other[64];

static void set_break(uint64_t at)
{
	smp_pin(smp_cpu(0));
	CHECK_EQUAL(sys_bench_control(BENCH_BREAK, at), 0);
}

static void watch(const void *at)
{
	set_break((uintptr_t)at | BREAK_ACCESS);
}

/* @text with null()'s number in RAX, where to find SS in RBX, SS itself in RDX, and 0 in RSI. */
#define RUN(text) \
	__asm__ volatile(text							\
			 : : "a"((unsigned long)SYS_null), "b"(&word),	\
			     "d"(SEL_USER_DATA), "S"(0ul) \
			 : "rcx", "r11", "memory", "cc")
#define WITH_TF "push $0x302; popfq; "

/* --- a MOV SS that reads the watched word, and what comes next --------------------------- */

#define DB KILLED_BY(VECTOR_DB)
#define OR_DB(v) (DB | KILLED_BY(v))
/* What is next must not be what kills when it kills as well: the #DB is older. Hardware may forget
 * it for a fault. */
#define NEXT(X)								\
	X(nop, "nop", DB)						\
	X(syscall, "syscall", DB)					\
	X(int3, "int3", OR_DB(VECTOR_BP))				\
	X(int_3, ".byte 0xcd, 3", OR_DB(VECTOR_BP))			\
	X(int_4, "int $4", OR_DB(4))					\
	X(int_5, "int $5", OR_DB(VECTOR_GP))				\
	X(int_80, "int $0x80", OR_DB(VECTOR_GP))			\
	X(int_timer, "int $0xf0", OR_DB(VECTOR_GP))			\
	X(icebp, ".byte 0xf1", OR_DB(VECTOR_UD))			\
	X(ud2, "ud2", OR_DB(VECTOR_UD))					\
	X(divide, "div %%esi", OR_DB(VECTOR_DE)) \
	X(page_fault, "mov 0, %%rax", OR_DB(VECTOR_PF))			\
	X(hlt, "hlt", OR_DB(VECTOR_GP))					\
	X(twice, "mov (%%rbx), %%ss; mov (%%rbx), %%ss; syscall", DB)	\
	X(null_ss, "mov %%eax, %%ss; syscall", OR_DB(VECTOR_GP))

#define DEFINE(name, text, outcomes)					\
	static void data_##name(void)					\
	{								\
		watch(&word);						\
		RUN("mov (%%rbx), %%ss; " text);			\
	}								\
	static void step_##name(void)					\
	{								\
		RUN(WITH_TF "mov %%edx, %%ss; " text "; nop");		\
	}								\
	static void both_##name(void)					\
	{								\
		watch(&word);						\
		RUN(WITH_TF "mov (%%rbx), %%ss; " text "; nop");	\
	}
NEXT(DEFINE)

/* --- the kernel's own accesses, and the rest ---------------------------------------------- */

/* The kernel's access for the program is not the program's: the call is made. */
static void copied_out_of(void)
{
	watch(buffer + 16);
	if (sys_copy64((uintptr_t)buffer, (uintptr_t)other))
		sys_exit(TEST_FAIL);
}

static void copied_into(void)
{
	watch(buffer + 60);
	if (sys_copy64((uintptr_t)other, (uintptr_t)buffer))
		sys_exit(TEST_FAIL);
}

static void just_touched(void)
{
	watch(&word);
	RUN("mov (%%rbx), %%eax; syscall");
}

static void execute_call(void)
{
	set_break((uintptr_t)sys_null | BREAK_EXECUTE);
	sys_null();
}

/* What hardware does after a MOV SS, and no emulator: a #DB at the first instruction of an
 * exception's entry. */
#define AT_STUB(X)							\
	X(de, "xor %%edx, %%edx; div %%esi", VECTOR_DE)			\
	X(bp, "int3", VECTOR_BP)					\
	X(of, "int $4", 4)						\
	X(ud, "ud2", VECTOR_UD)						\
	X(ss, "mov %%rax, %%rsp; bts $63, %%rsp; push %%rax", VECTOR_SS) \
	X(gp, "hlt", VECTOR_GP)						\
	X(pf, "mov 0, %%rax", VECTOR_PF)
#define DEFINE_STUB(name, text, vector)					\
	static void stub_##name(void)					\
	{								\
		set_break(BREAK_STUB | (vector));			\
		RUN(text);						\
	}
AT_STUB(DEFINE_STUB)

/* At the SYSCALL itself: a breakpoint there is none after a MOV SS, and the call is made. */
extern const char broken_syscall[];
static __attribute__((noinline)) void execute_syscall(void)
{
	set_break((uintptr_t)broken_syscall | BREAK_EXECUTE);
	RUN("mov %%edx, %%ss\n"
	    "broken_syscall: syscall");
}

static void step_over_syscall(void)
{
	RUN(WITH_TF "syscall; nop; nop");
}

static void step_over_sleep(void)
{
	__asm__ volatile(WITH_TF "syscall; nop; nop" : : "a"((unsigned long)SYS_sleep), "D"(1000ul)
			 : "rcx", "r11", "memory", "cc");
}

static void pop_ss(void)
{
	RUN("push %%rdx; .byte 0x17; syscall");
}

/* Trap on a step never hides what the instruction did, so either may be the end of it. */
#define STEPPED(outcomes) ((outcomes) | DB)
#define ENTRY(kind, name, outcomes) { #kind "_" #name, kind##_##name, outcomes },
#define ENTRIES(name, text, outcomes) \
	ENTRY(data, name, outcomes) ENTRY(step, name, STEPPED(outcomes)) \
	ENTRY(both, name, STEPPED(outcomes))

/* QEMU's TCG has #GP where it should have #SS. */
#define STUB_ENTRY(name, text, vector) \
	ENTRY(stub, name, DB | ((vector) == VECTOR_SS ? KILLED_BY(VECTOR_GP) : 0))

/* The rest. */
#define OTHERS(X)				\
	X(copied, out_of, SURVIVES)		\
	X(copied, into, SURVIVES)		\
	X(just, touched, DB)			\
	X(execute, call, DB)			\
	X(execute, syscall, SURVIVES | DB)	\
	X(step_over, syscall, DB)		\
	X(step_over, sleep, DB)			\
	X(pop, ss, KILLED_BY(VECTOR_UD))

static const struct offence offences[] = { NEXT(ENTRIES) AT_STUB(STUB_ENTRY) OTHERS(ENTRY) };
#define COUNT (sizeof(offences) / sizeof(offences[0]))

static void refused(uint64_t arg)
{
	if (!CHECK_EQUAL(sys_bench_control(BENCH_BREAK, arg), -EINVAL))
		printf("# argument 0x%lx\n", arg);
}

static void refusals(void)
{
	static const uint64_t beyond[] = { USER_END, 0x7fffffffffff, KERNEL_IMAGE_BASE,
					   CPU_ENTRY_AREA_BASE, ~0ul };

	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		refused(beyond[i]);
		refused(beyond[i] | BREAK_ACCESS);
		refused(beyond[i] | BREAK_STUB);
	}
	refused(BREAK_STUB | 256);
	refused(BREAK_STUB | BREAK_WRITE | VECTOR_BP);
	for (uint64_t kind = 1; kind < 1ul << 16; kind = kind * 2 + 1)
		if (kind << 48 != BREAK_ACCESS)
			refused(kind << 48 | (uintptr_t)buffer);
}

int main(const char *arg, size_t len)
{
	struct bystander_thread witness;

	if (len && *arg == 'c')
		return test_offences(PROGRAM, arg, offences, COUNT);
	refusals();
	CHECK_EQUAL(bystander_start(&witness, 8), 0);
	for (size_t i = 0; i < COUNT; i++) {
		test_child(PROGRAM, offences[i].name, offences[i].outcomes);
		set_break(0);
		CHECK(bystander_unharmed(&witness));
	}
	CHECK(bystander_stop(&witness));
	return test_result();
}
