/* SPDX-License-Identifier: MIT */
/* abi.h - constants and structures that the kernel and user programs share. */
#ifndef KERNEL_ABI_H
#define KERNEL_ABI_H

#include <stdint.h>

/* Errors: system calls return -E... */
#define EPERM		1	/* not allowed to this process */
#define ENOENT		2	/* no such program in the boot archive */
#define ESRCH		3	/* no such thread or process */
#define EINTR		4	/* cut short: the caller itself was stopped */
#define ENOEXEC		8	/* not a loadable ELF64 program */
#define ECHILD		10	/* not a child of the caller */
#define EAGAIN		11	/* a limit of the caller's is reached, or somebody else is at it */
#define ENOMEM		12	/* no memory left */
#define EFAULT		14	/* bad user pointer */
#define EBUSY		16	/* in use */
#define EEXIST		17	/* already mapped */
#define EINVAL		22	/* bad argument */
#define ENOSYS		38	/* no such system call */
#define ENOTSUP		95	/* not in this boot, or not on this CPU */
#define ETIMEDOUT	110	/* sleep() ended by its time-out */

/* map(): protection. Never both W and X. */
#define PROT_WRITE	1
#define PROT_EXEC	2

/* set_priority(): a ready thread of a lower number runs before all of higher ones. */
#define PRIORITY_URGENT		0
#define PRIORITY_USUAL		1
#define PRIORITY_BACKGROUND	2

#define ARG_MAX			1024	/* bytes of a program's argument, at most */

/* spawn_rights(): what a process may do that hurts others. The first process has all. */
#define RIGHT_PRIORITY		1	/* make its threads PRIORITY_URGENT */
#define RIGHT_UNISOLATED	2	/* spawn a process of a design without isolation, where the
				 * boot's isolates: it can read all memory (Meltdown) */
#define RIGHTS_ALL		3

/* spawn_with(): as spawn(), and an entry design: its place in entry/registry.h, from 0. */
struct spawn_request {
	uint64_t name, name_len;
	uint64_t arg, arg_len;
	uint64_t design;
};

/* thread_get_registers(), thread_set_registers(): the registers of a stopped thread. Its FPU
 * registers and data selectors are not among them: loading those faults in the kernel when they
 * are bad. */
struct thread_registers {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rsp;		/* any value: what is no address faults on the way to
					 * user mode or there */
	uint64_t rflags;		/* CF PF AF ZF SF TF DF OF NT RF AC ID are the program's,
					 * the rest stays */
	uint64_t cs, ss;		/* 16 bits, RPL 3 in CS; a selector that cannot be loaded
					 * kills the process */
	uint64_t fs_base;		/* below USER_END */
};

/* wait(): a killed process returns WAIT_KILLED | vector of the fault (VECTOR_SYSCALL: by the
 * kernel). */
#define WAIT_KILLED	0x10000

/* shutdown(): codes written to isa-debug-exit; QEMU's status is (code << 1) | 1. */
#define EXIT_PASS	16	/* status 33 */
#define EXIT_FAIL	17	/* status 35 */
#define EXIT_PANIC	18	/* status 37 */
#define EXIT_USAGE	19	/* status 39: bad command line */

#endif
