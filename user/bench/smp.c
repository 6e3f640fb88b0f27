/* SPDX-License-Identifier: MIT */
/*
 * smp.c - a thread comes and goes while its siblings run on every other CPU.
 *
 * Where an entry stack leaves the user root with its thread, each of those CPUs must be told, and
 * answer. The figure that is exact is the number of interrupts which that takes. The time is the
 * TSC's, and under -icount with several CPUs it holds the instructions of them all, the siblings'
 * loops too.
 */
#include "bench.h"
#include "smp.h"
#include "thread.h"
#include "tests/probe/abi.h"

#define CPUS_MAX 64
#define OPERATIONS 100

static volatile bool release;
static unsigned spinning;

/* In user mode for the whole measurement: this CPU has the process's root loaded, and sends nothing
 * itself. */
static void spin(void *cpu)
{
	smp_pin((unsigned)(uintptr_t)cpu);
	__atomic_fetch_add(&spinning, 1, __ATOMIC_SEQ_CST);
	while (!release)
		smp_relax();
}

/* All CPUs but @own get a sibling. No CPU is idle then, so none steals a new thread: it runs
 * where it was made. One after the other: without a tick, one that comes by another's CPU on the
 * way to its own may wait there for ever. */
static void occupy(struct user_thread *sibling, unsigned cpus, unsigned own)
{
	smp_pin(own);
	for (unsigned i = 1; i < cpus; i++) {
		if (thread_start(&sibling[i], spin, (void *)(uintptr_t)smp_cpu(i)))
			sys_exit(1);
		while (__atomic_load_n(&spinning, __ATOMIC_SEQ_CST) < i)
			smp_wait();
	}
}

static uint64_t ticks_of_one(unsigned long stack)
{
	uint64_t start = rdtsc();

	create_and_join(stack);
	return rdtsc() - start;
}

/* The counter is read outside of the operation, which is why ticks are taken in another pass. */
static uint64_t ipis_of_one(unsigned long stack)
{
	uint64_t before = control(BENCH_IPIS, 0);

	create_and_join(stack);
	return control(BENCH_IPIS, 0) - before;
}

static void sample(const char *name, uint64_t (*operation)(unsigned long), unsigned long stack)
{
	static uint64_t samples[OPERATIONS];

	for (unsigned i = 0; i < OPERATIONS; i++)
		samples[i] = operation(stack);
	report(name, samples, OPERATIONS);
}

void measure_thread_create_smp(void)
{
	static struct user_thread sibling[CPUS_MAX];
	unsigned cpus = smp_count();
	unsigned long stack = one_stack();

	smp_set_timers(0);		/* no tick on any CPU takes a turn away */
	occupy(sibling, cpus, smp_cpu(0));
	for (unsigned i = 0; i < TRACE_WARMUP; i++)
		create_and_join(stack);
	sample("thread_create_exit_smp.ipis", ipis_of_one, stack);
	sample("thread_create_exit_smp.ticks_all_cpus", ticks_of_one, stack);
	release = true;
	for (unsigned i = 1; i < cpus; i++)
		thread_finish(&sibling[i]);
	smp_set_timers(TIMER_HZ_NORMAL);
}
