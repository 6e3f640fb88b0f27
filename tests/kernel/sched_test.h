/* SPDX-License-Identifier: MIT */
/* sched_test.h - what the scheduler's tests share. */
#ifndef TESTS_SCHED_TEST_H
#define TESTS_SCHED_TEST_H

#include <stdbool.h>
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "kernel/console/panic.h"
#include "kernel/object/process.h"
#include "kernel/sched/sched.h"

/* A thread that is not started and belongs to CPU @cpu, for now; it may run anywhere. */
static inline struct thread *sched_test_thread(void (*main)(void *), void *arg, uint32_t cpu)
{
	struct thread *t = thread_create_kernel(main, arg);

	if (!t)
		panic("no memory for a test's thread");
	t->cpu = &cpus[cpu];
	return t;
}

/* The same for one that may run on this CPU only. */
static inline struct thread *sched_test_thread_here(void (*main)(void *), void *arg)
{
	struct thread *t = sched_test_thread(main, arg, this_cpu()->index);

	sched_set_affinity(t, 1ul << this_cpu()->index);
	return t;
}

/* Does the TSC count instructions, as under -icount? Then two readings in a row always differ by
 * the same. */
static inline bool tsc_counts_instructions(void)
{
	uint64_t first = -rdtsc() + rdtsc();

	for (unsigned i = 0; i < 100; i++)
		if (-rdtsc() + rdtsc() != first)
			return false;
	return true;
}

#endif
