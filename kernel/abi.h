/* SPDX-License-Identifier: MIT */
/* abi.h - constants that the kernel and user programs share. */
#ifndef KERNEL_ABI_H
#define KERNEL_ABI_H

/* Errors: system calls return -E... */
#define EPERM		1	/* not allowed to this process */
#define ENOENT		2	/* no such program in the boot archive */
#define ESRCH		3	/* no such thread or process */
#define ENOEXEC		8	/* not a loadable ELF64 program */
#define ECHILD		10	/* not a child of the caller */
#define EAGAIN		11	/* a table is full */
#define ENOMEM		12	/* no memory left */
#define EFAULT		14	/* bad user pointer */
#define EEXIST		17	/* already mapped */
#define EINVAL		22	/* bad argument */
#define ENOSYS		38	/* no such system call */
#define ETIMEDOUT	110	/* sleep() ended by its time-out */

/* map(): protection. Never both W and X. */
#define PROT_WRITE	1
#define PROT_EXEC	2

/* set_priority(): a ready thread of a lower number runs before all of higher ones. */
#define PRIORITY_URGENT		0
#define PRIORITY_USUAL		1
#define PRIORITY_BACKGROUND	2

/* wait(): a killed process returns WAIT_KILLED | vector of the fault (VECTOR_SYSCALL: by the kernel). */
#define WAIT_KILLED	0x10000

/* bench_control(): operations, allowed only when the boot has bench= or tests=. */
#define BENCH_TIMER_HZ		0	/* arg: tick rate of this CPU's timer, 10..100000; 0 stops it */
#define BENCH_SKIP_UD		1	/* arg: 1: #UD in this process skips the 2-byte UD2, 0: kills */
#define BENCH_SELF_IPI		2	/* arg: n self-IPIs taken in kernel mode; returns instructions (TSC ticks)
					 * of the loop with them */
#define BENCH_SELF_IPI_BASE	3	/* arg: n; the same loop without the IPI */
#define BENCH_FRAMES_USED	4	/* frames in use now */
#define BENCH_PT_PAGES		5	/* page-table pages in use now */
#define BENCH_EXPOSURE		6	/* print the exposure.* figures of the calling process's user root */
#define BENCH_MEMORY		7	/* print the memory.* figures that only the kernel knows */

#define BENCH_AUDIT		8	/* print every process's supervisor pages, for the host to compare */
#define BENCH_SPLIT		9	/* 1: user mode runs on a table of its own, 0: on the kernel's */
#define BENCH_PLANT		10	/* arg: a writable address, multiple of 8: plant new secrets there and in the
					 * kernel; returns the key of the one for registers, not negative */
#define BENCH_LOOK		11	/* arg: a set of secrets; returns those that the caller's user root shows */
#define BENCH_LOOK_ASLEEP	12	/* arg: tid: when that thread sleeps and before anyone else enters the kernel,
					 * look for all that were planted; returns the set for this process's root,
					 * and that of the parent process's root << SECRETS */

/* The secrets of BENCH_PLANT; a set has bit n for secret n. The plain value is key * SECRET_MULTIPLIER: keys may
 * lie about, and whoever holds a plain value needs it only between the multiplication and its place. */
#define SECRET_DATA		0	/* kernel .data */
#define SECRET_HEAP		1	/* an object of the kernel's heap */
#define SECRET_KSTACK		2	/* a kernel stack */
#define SECRET_PERCPU		3	/* percpu's private page */
#define SECRET_PROCESS		4	/* a program's own memory */
#define SECRET_REGISTERS	5	/* for a thread's registers; the program puts it there */
#define SECRET_NOWHERE		6	/* planted nowhere: whoever finds it finds anything */
#define SECRETS			7
#define SECRET_MULTIPLIER	0x9e3779b97f4a7c15ul
#define SECRET_INVERSE		0xf1de83e19937733dul	/* product 1 mod 2^64 */

#define BENCH_MIGRATE		13	/* arg: 1: every yield and wake moves the thread to its next CPU */
#define BENCH_IPIS		14	/* inter-processor interrupts sent so far, all CPUs */
#define BENCH_CPUS		15	/* mask of the CPUs that run threads */

/* shutdown(): codes written to isa-debug-exit; QEMU's status is (code << 1) | 1. */
#define EXIT_PASS	16	/* status 33 */
#define EXIT_FAIL	17	/* status 35 */
#define EXIT_PANIC	18	/* status 37 */
#define EXIT_USAGE	19	/* status 39: bad command line */

#endif
