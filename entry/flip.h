/* SPDX-License-Identifier: MIT */
/*
 * flip.h - what C needs that runs in entry text: the flip and the change of stack.
 *
 * A function marked ENTRY_TEXT may run on the user table.  It may touch its frame, the door page
 * through GS and entry rodata, and call only entry text - until it has flipped.  Interrupts are off
 * throughout.
 */
#ifndef ENTRY_FLIP_H
#define ENTRY_FLIP_H

#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/percpu.h"

#define ENTRY_TEXT(design) __attribute__((section(".entry.text." design)))

/* Load CR3 from the door's @word. @site names it in .flip_sites (entry/design.h). Serialises. */
#define FLIP(word, site)							\
	do {									\
		uint64_t cr3_word;						\
		__asm__ volatile("mov %%gs:%c1, %0\n"				\
				 "1:	mov %0, %%cr3\n"			\
				 "2:	.pushsection .flip_sites, \"a\"\n"	\
				 "	.quad 1b, 2b - 1b\n"			\
				 "3:	.ascii \"" site "\"\n"			\
				 "	.org 3b + 32\n"				\
				 "	.popsection"				\
				 : "=&r"(cr3_word)				\
				 : "i"(offsetof(struct percpu, word))		\
				 : "memory");					\
	} while (0)
#define FLIP_IN(site) FLIP(kernel_cr3, site)
#define FLIP_OUT(site) FLIP(user_cr3, site)

/* Call kernel function @fn(@arg) on the current thread's kernel stack, from a vestibule stack.
 * Kernel table. The way back is kept in RBX, which the callee preserves, across any sleep and on
 * any CPU. */
#define CALL_ON_KERNEL_STACK(fn, arg)						\
	({									\
		int64_t result_;						\
		uint64_t arg_ = (uint64_t)(arg);				\
		__asm__ volatile("mov %%rsp, %%rbx\n\t"				\
				 "mov %%gs:%c2, %%rsp\n\t"			\
				 "call %c3\n\t"					\
				 "mov %%rbx, %%rsp"				\
				 : "=a"(result_), "+D"(arg_)			\
				 : "i"(offsetof(struct percpu, kstack_top)), "i"(fn) \
				 : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11",	\
				   "memory", "cc");						\
		result_;							\
	})

/* exit_work(), or exit_syscall_work() for system calls, with @result, on the kernel stack, from
 * a vestibule stack. Kernel table. @result stays in RAX, so that it need not be moved out of the
 * way on the path that has no work. */
#define EXIT_WORK_ON_KERNEL_STACK(fn, result)					\
	__asm__ volatile("push %%rax\n\t"					\
			 "mov %%rax, %%rdi\n\t"				\
			 "mov %%rsp, %%rbx\n\t"				\
			 "mov %%gs:%c1, %%rsp\n\t"				\
			 "call %c2\n\t"					\
			 "mov %%rbx, %%rsp\n\t"				\
			 "pop %%rax"						\
			 : "+a"(result)						\
			 : "i"(offsetof(struct percpu, kstack_top)), "i"(fn)	\
			 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",	\
			   "memory", "cc")

/* Has exit_work() something to do? Kernel table. */
static inline __attribute__((always_inline)) int work_pending(void)
{
	int pending;

	__asm__ volatile("cmpl $0, %%gs:%c1"
			 : "=@ccne"(pending)
			 : "i"(offsetof(struct percpu, work)));
	return pending;
}

#endif
