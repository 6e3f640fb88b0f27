/* SPDX-License-Identifier: MIT */
/* acts.c - what torture does: parts of the tests, and whole tests, that mind no company. */
#include "torture.h"
#include "arch/x86_64/trapframe.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "user.h"

#define KILLED(vector) (WAIT_KILLED | (vector))

/* A program with its argument, in which %lu are up to two numbers below @range. */
static const struct act {
	const char *program, *arg;
	uint64_t range[2];
	long status[2];			/* either is well */
	unsigned weight;
} acts[] = {
	/* Whether threads move is the phase's matter: 3 says that few did. */
	{ "test_smp_migrate", "child=%lu,%lu", { 1000, 200 }, { 0, 3 }, 12 },
	{ "test_smp_churn", "child=churn,%lu", { 1000000 }, { 0, 0 }, 12 },
	{ "test_smp_churn", "child=return,%lu", { 1 }, { 42, 42 }, 6 },
	{ "test_smp_churn", "child=exit,%lu", { 1 }, { 42, 42 }, 6 },
	{ "test_smp_churn", "child=fault,%lu", { 1 }, { KILLED(VECTOR_GP), KILLED(VECTOR_GP) }, 6 },
	{ "test_smp_unmap", "child=replace", { 1 }, { 0, 0 }, 6 },
	{ "test_smp_unmap", "child=shuffle", { 1 }, { 0, 0 }, 6 },
	{ "test_smp_unmap", "child=load,%lu", { 64 }, { KILLED(VECTOR_PF), KILLED(VECTOR_PF) }, 2 },
	{ "test_smp_unmap",
	  "child=store,%lu",
	  { 64 },
	  { KILLED(VECTOR_PF), KILLED(VECTOR_PF) },
	  2 },
	{ "test_smp_unmap", "child=kernel,%lu", { 64 }, { 0, 0 }, 2 },
	{ "test_smp_unmap",
	  "child=sleep,%lu",
	  { 64 },
	  { KILLED(VECTOR_PF), KILLED(VECTOR_PF) },
	  2 },
	{ "test_bystander", "child=bystand%lu,%lu", { 10, 2000 }, { 0, 0 }, 8 },
	{ "test_abuse_flags", "seed=%lu", { 1000000 }, { 0, 0 }, 1 },
	{ "test_abuse_numbers", "seed=%lu", { 1000000 }, { 0, 0 }, 1 },
	{ "test_abuse_pointers", "seed=%lu", { 1000000 }, { 0, 0 }, 1 },
	{ "test_abuse_rip", "seed=%lu", { 1000000 }, { 0, 0 }, 1 },
	{ "test_fault_kill", "seed=%lu", { 1000000 }, { 0, 0 }, 1 },
	{ "test_fs_base", "seed=%lu", { 1000000 }, { 0, 0 }, 2 },
	{ "test_map", "seed=%lu", { 1000000 }, { 0, 0 }, 2 },
	{ "test_selectors_leak", "seed=%lu", { 1000000 }, { 0, 0 }, 1 },
	{ "test_sleep_wake", "seed=%lu", { 1000000 }, { 0, 0 }, 2 },
	{ "test_spawn_wait", "seed=%lu", { 1000000 }, { 0, 0 }, 2 },
	{ "test_threads", "seed=%lu", { 1000000 }, { 0, 0 }, 2 },
};
#define ACTS (sizeof(acts) / sizeof(acts[0]))

static unsigned weight(const struct act *a, bool threads_only)
{
	return threads_only && strcmp(a->program, "test_smp_churn") ? 0 : a->weight;
}

static const struct act *choose(uint64_t *seed, bool threads_only)
{
	uint64_t sum = 0;
	const struct act *a;

	for (a = acts; a < acts + ACTS; a++)
		sum += weight(a, threads_only);
	sum = test_random(seed) % sum;
	for (a = acts; sum >= weight(a, threads_only); a++)
		sum -= weight(a, threads_only);
	return a;
}

bool act_once(uint64_t *seed, bool threads_only)
{
	const struct act *a = choose(seed, threads_only);
	uint64_t number[2] = { 0, 0 };
	char arg[64];
	long status;

	for (unsigned i = 0; i < 2 && a->range[i]; i++)
		number[i] = test_random(seed) % a->range[i];
	snprintf(arg, sizeof(arg), a->arg, number[0], number[1]);
	status = run(a->program, arg);
	if (status == a->status[0] || status == a->status[1])
		return true;
	printf("torture: %s %s: status 0x%lx, expected 0x%lx\n", a->program, arg,
	       (unsigned long)status, (unsigned long)a->status[0]);
	return false;
}
