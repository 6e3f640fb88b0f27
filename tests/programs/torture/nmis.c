/* SPDX-License-Identifier: MIT */
/* nmis.c - NMIs to all CPUs all the time; the kernel checks the state that each one finds
 * (tests/kernel/fire.h). */
#include "print.h"
#include "smp.h"
#include "thread.h"
#include "torture.h"
#include "tests/probe/abi.h"

#define PAUSE_NS 200000

static struct user_thread sender;
static bool stop;

static void send(void *arg)
{
	unsigned cpus = smp_count();

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		for (unsigned i = 0; i < cpus; i++)
			sys_bench_control(BENCH_FIRE + FIRE_SEND, smp_cpu(i));
		sys_sleep(PAUSE_NS);
	}
}

bool nmis_begin(void)
{
	return sys_bench_control(BENCH_FIRE + FIRE_BEGIN, FIRE_NMI) == 0;
}

bool nmis_start(void)
{
	stop = false;
	return thread_start(&sender, send, NULL) == 0;
}

bool nmis_stop(void)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	return thread_finish(&sender) == 0;
}

bool nmis_end(void)
{
	long came = sys_bench_control(BENCH_FIRE + FIRE_EVENTS, 0);
	bool good = sys_bench_control(BENCH_FIRE + FIRE_DISARM, 0) >= 0;

	printf("fire: torture nmi %ld\n", came);
	sys_bench_control(BENCH_FIRE + FIRE_DUMP, 0);
	sys_bench_control(BENCH_FIRE + FIRE_END, 0);
	return good && came > 0;
}
