/* SPDX-License-Identifier: MIT */
/*
 * probe.h - the seam at which tests look into the kernel, or break it on purpose.
 *
 * The kernel knows these hooks and nothing beyond them; tests/probe/ has what is.  All are NULL,
 * most of them until a test wants them: then only the tests write here.  A hook costs the path
 * that it lies on a comparison.
 */
#ifndef KERNEL_PROBE_H
#define KERNEL_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aspace;
struct cmdline;
struct entry_design;
struct thread;
struct trapframe;

enum trap_verdict {
	TRAP_NOT_MINE,
	TRAP_TAKEN,			/* the interrupted code goes on at @frame */
	TRAP_TAKEN_HOLD_NMIS,	/* an NMI: the same, and NMIs stay masked until somebody's IRETQ */
};

struct probe {
	/* --- the boot ------------------------------------------------------------- */

	/* Is @value a valid inject=? When not, the valid ones are written to @list. */
	bool (*inject_valid)(const char *value, char *list, size_t len);
	/* The kernel's table is loaded, and nothing is set up yet. Boot CPU. */
	void (*early)(const struct cmdline *c);
	/* All CPUs are online, and no program has been started. Boot CPU. */
	void (*ready)(const struct cmdline *c);
	/* The first program has been started. Boot CPU. */
	void (*late)(void);
	/* @code is what the other CPUs start with; none has. Boot CPU. */
	void (*ap_code)(void *code);

	/* --- what runs ------------------------------------------------------------- */

	/* A spawn names no design: @*d is the one it takes, the boot's. System-call context. */
	void (*spawn_design)(const struct entry_design **d);
	/* A process's space is complete, and nobody can find it yet. System-call context. */
	void (*new_root)(struct aspace *as);
	/* A process's thread has all but its number, and nobody can find it yet. System-call
	 * context. */
	void (*new_thread)(struct thread *t);
	/* Asked once for each frame or heap object, in slow paths: is it to fail? Any context. */
	bool (*allocation_fails)(void);
	/* NMIs, #DB, #MC and exceptions come here before they are judged. @cr3 and @gs are the
	 * table and GS base found. The event's body stack, kernel table, IRQs off; an NMI: no
	 * lock, no fault. */
	enum trap_verdict (*trap)(struct trapframe *frame, uint64_t cr3, uint64_t gs);

	/* The kernel says nothing, but in a panic: each letter is thousands of runs to who holds
	 * a CPU at each instruction. What programs write comes out. */
	bool quiet;

	/* --- system calls of the tests: as kernel/syscalls.def has them ----------- */

	int64_t (*report)(uint64_t name, uint64_t name_len, uint64_t values, uint64_t n);
	int64_t (*control)(uint64_t op, uint64_t arg);
};

extern struct probe probe;

/* Call hook @name with what follows it, if there is one. */
#define PROBE(name, ...)				\
	do {						\
		if (__builtin_expect(probe.name != 0, 0)) \
			probe.name(__VA_ARGS__);	\
	} while (0)

#endif
