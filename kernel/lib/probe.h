/* SPDX-License-Identifier: MIT */
/*
 * probe.h - the seam at which tests look into the kernel, or break it on purpose.
 *
 * The kernel knows these hooks and nothing behind them.  There is no probe unless somebody set
 * one, and a probe need not have every hook.
 */
#ifndef KERNEL_PROBE_H
#define KERNEL_PROBE_H

struct aspace;

struct probe {
	/* A process's space is complete, and nobody can find it yet. System-call context. */
	void (*new_root)(struct aspace *as);
	/* @code is what the other CPUs start with; none has. Boot CPU. */
	void (*ap_code)(void *code);
};

extern const struct probe *probe;

/* Call hook @name with what follows it, if there is one. */
#define PROBE(name, ...)					\
	do {							\
		if (__builtin_expect(probe && probe->name, 0))	\
			probe->name(__VA_ARGS__);		\
	} while (0)

#endif
