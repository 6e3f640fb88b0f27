/* SPDX-License-Identifier: MIT */
/* irqsoff.h - the worst cases of the system calls, see irqsoff.c. */
#ifndef BENCH_IRQSOFF_H
#define BENCH_IRQSOFF_H

#include <stdint.h>
#include "syscalls.h"

/* One for each system call. It sets its case up, then watches the call, once or several times. */
#define WORST(name) void worst_##name(void);
SYSCALL_LIST(WORST)
#undef WORST
void worst_fault(void);		/* likewise, of what the kernel kills for */

/* The longest stretch with interrupts off between the two counts, whichever program of this CPU
 * runs. A child may begin what its parent ends. */
void watch_begin(void);
void watch_end(void);

/* Start this program again: it calls child_<name>() of the table in irqsoff.c. Returns its pid. */
unsigned long start_child(const char *name);
long start_child_if_possible(const char *name);	/* the same, or what spawn() says */
void child_quit(void);
void child_exit(void);
void child_invalid_opcode(void);
void child_page_fault(void);
void child_limit(void);
void child_thread_exit(void);
void child_zombies(void);

/* A thread does nothing but this, on nobody's stack. */
enum crowd_life {
	CROWD_READY,		/* it has never run */
	CROWD_ASLEEP,		/* in a sleep() of @ns */
	CROWD_DEAD,		/* not joined, and the kernel has not cleared it away */
};

#define CROWD_MAX 4096
/* Make CROWD_MAX of them, or as many as there may be. Returns how many; crowd[] has their tids. */
unsigned make_crowd(enum crowd_life life, uint64_t ns);
extern unsigned long crowd[CROWD_MAX];

/* Two places, not touched yet, each eight bytes before a multiple of 512 GiB: to bring in the
 * pages at both sides of one takes as many new page tables as there can be. Many regions lie
 * before them. */
struct far_places {
	unsigned long a, b;
};
struct far_places far_places(void);

#endif
