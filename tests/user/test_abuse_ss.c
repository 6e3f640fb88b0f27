/* SPDX-License-Identifier: MIT */
/*
 * test_abuse_ss.c - stack faults: everything a program can do through RSP and RBP with an address
 * that is none.
 *
 * An access through the stack segment at a non-canonical address is #SS with error code 0 (SDM vol.
 * 3A, 6.15), one through another segment #GP.  QEMU's TCG has #GP for both.  #SS pushes an error
 * code, so its stub must not: in a frame that is one word off RIP stands where CS belongs, and
 * those with their low bits 0 would be taken for the kernel's.
 */
#include "arch/x86_64/trapframe.h"
#include "test.h"
#include "user.h"

#define NON_CANONICAL "0x800000000100"

/* With RSP and RBP beyond the lower half; the program needs neither any more. */
#define THROUGH(X)						\
	X(push, "push %%rax", SS)				\
	X(push_flags, "pushfq", SS)				\
	X(push_segment, "push %%fs", SS)			\
	X(pop, "pop %%rax", SS)					\
	X(pop_flags, "popfq", SS)				\
	X(pop_segment, "pop %%fs", SS)				\
	X(call, "call 1f; 1:", SS)				\
	X(ret, "ret", SS)					\
	X(leave, "leave", SS)					\
	X(enter, "enter $16, $0", SS)				\
	X(load, "mov (%%rsp), %%rax", SS)			\
	X(load_rbp, "mov 8(%%rbp), %%rax", SS)			\
	X(store_rbp, "mov %%rax, -8(%%rbp)", SS)		\
	X(index_rbp, "mov (%%rbp,%%rbx,8), %%rax", SS)		\
	X(vector, "movdqa %%xmm0, (%%rsp)", SS)			\
	X(straddle, "mov $0x7ffffffffffc, %%rbp; mov (%%rbp), %%rax", SS | KILLED_BY(VECTOR_PF)) \
	X(other_segment, "mov %%rsp, %%rbx; mov (%%rbx), %%rax", KILLED_BY(VECTOR_GP)) \
	X(iret, "iretq", SS | KILLED_BY(VECTOR_PF))		\
	X(undefined, "ud2", KILLED_BY(VECTOR_UD))		\
	X(breakpoint, "int3", KILLED_BY(VECTOR_BP))		\
	X(overflow, "int $4", KILLED_BY(4))			\
	X(denied, "hlt", KILLED_BY(VECTOR_GP))			\
	X(page, "mov 0, %%rax", KILLED_BY(VECTOR_PF))		\
	X(exit, "xor %%edi, %%edi; mov $5, %%eax; syscall", SURVIVES)

#define SS (KILLED_BY(VECTOR_SS) | KILLED_BY(VECTOR_GP))

_Static_assert(SYS_exit == 5, "exit above has it as a number");

#define DEFINE(name, text, outcomes)						\
	static void do_##name(void)						\
	{									\
		__asm__ volatile("mov $" NON_CANONICAL ", %%rsp; mov %%rsp, %%rbp; .p2align 2; " \
				 text "; ud2"					\
				 : : "b"(1ul) : "memory", "cc");		\
		__builtin_unreachable();					\
	}
#define ENTRY(name, text, outcomes) { #name, do_##name, outcomes },

THROUGH(DEFINE)

static const struct offence offences[] = { THROUGH(ENTRY) };

int main(const char *arg, size_t len)
{
	(void)len;
	return test_offences("test_abuse_ss", arg, offences,
			     sizeof(offences) / sizeof(offences[0]));
}
