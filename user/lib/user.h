/* SPDX-License-Identifier: MIT */
/* user.h - what every program has: its main(), typed system calls, children. */
#ifndef USER_H
#define USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/abi.h"
#include "syscalls.h"

#define ARGUMENT_MAX 255	/* bytes; a longer argument string is cut */
#define TIMER_HZ_NORMAL 100	/* the kernel's own tick rate, restored after BENCH_TIMER_HZ */

/* The program. @arg ends with NUL and is @len bytes long without it. Returns the exit code,
 * 0..255. */
int main(const char *arg, size_t len);

/* Any system call, with every argument register set by the caller. Returns rax. */
static inline long raw_syscall(unsigned long number, unsigned long a, unsigned long b,
			       unsigned long c, unsigned long d)
{
	register unsigned long r10 __asm__("r10") = d;
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

/* Map @len bytes; NULL when the kernel refuses. @prot: PROT_*. */
static inline void *map_memory(size_t len, unsigned prot)
{
	long address = sys_map(len, prot);

	return address < 0 ? NULL : (void *)address;
}

/* Start @program with the string @arg. Its pid, or a negative error. */
long spawn(const char *program, const char *arg);
/* The same by an entry design of the caller's choice, DESIGN_* of designs.h. */
long spawn_with(const char *program, const char *arg, unsigned design);
/* spawn() or spawn_with(), then wait: its exit code, WAIT_KILLED | vector, or a negative error. */
long run(const char *program, const char *arg);
long run_with(const char *program, const char *arg, unsigned design);

#endif
