/* SPDX-License-Identifier: MIT */
/* company.c - what the other CPUs do. The first and the second are under fire (migration's paths
 * lead from one to the other); the third has registers to lose and a timer storm; the fourth
 * sends the NMIs. */
#include "fire.h"
#include "smp.h"
#include "thread.h"
#include "tests/probe/abi.h"

#define CPUS_WITH_COMPANY 4
#define BYSTANDER_CPU 2
#define SENDER_CPU 3
#define STORM_HZ 10000

static struct user_thread sender;
static struct bystander_thread bystander;
static bool started, stop;

static void serve(void *arg)
{
	(void)arg;
	smp_pin(smp_cpu(SENDER_CPU));
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		fire(FIRE_SERVE, 0);
	fire(FIRE_SERVE, 1);
}

static void set_timer(unsigned cpu, uint64_t hz)
{
	smp_pin(smp_cpu(cpu));
	sys_bench_control(BENCH_TIMER_HZ, hz);
	smp_pin(smp_cpu(0));
}

bool company_start(void)
{
	bool good;

	if (smp_count() < CPUS_WITH_COMPANY)
		return true;
	started = true;
	stop = false;
	set_timer(BYSTANDER_CPU, STORM_HZ);
	good = bystander_start(&bystander, 1) == 0;
	good &= sys_set_affinity((unsigned long)bystander.thread.tid,
				 1ul << smp_cpu(BYSTANDER_CPU)) == 0;
	return thread_start(&sender, serve, NULL) == 0 && good;
}

bool company_stop(void)
{
	bool good;

	if (!started)
		return true;
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	good = thread_finish(&sender) == 0;
	good &= bystander_stop(&bystander);
	set_timer(BYSTANDER_CPU, 0);
	started = false;
	return good;
}
