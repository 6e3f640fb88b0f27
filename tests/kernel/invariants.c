/* SPDX-License-Identifier: MIT */
/* invariants.c - the parts of the check in their order, and what is told of them. */
#include "tests/kernel/invariants.h"
#include <stdarg.h>
#include "arch/x86_64/cpu.h"
#include "entry/trampoline.h"
#include "kernel/abi.h"
#include "kernel/console/printk.h"
#include "kernel/lib/format.h"
#include "kernel/object/process.h"
#include "kernel/object/process_internal.h"
#include "kernel/object/tid.h"
#include "kernel/sched/runqueue.h"
#include "kernel/sched/sched.h"
#include "mm/frames.h"
#include "mm/heap.h"
#include "mm/stacks.h"
#include "tests/kernel/world.h"

#define SECRET_STACKS	1	/* tests/probe/secrets.c takes one for good, when it is asked to */

static char text[200], kept[sizeof(text)];

const char *invariant_broken(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintk(text, sizeof(text), fmt, ap);
	va_end(ap);
	return text;
}

const char *invariant_kept(const char *wrong)
{
	snprintk(kept, sizeof(kept), "%s", wrong);
	return kept;
}

static const char *check_scheduler(void)
{
	uint32_t cpu = 0;
	const char *wrong;

	for (uint32_t n = 0; n < cpu_count; n++)	/* the walk takes them */
		MUST(!cpus[n].queue->lock.taken,
		     "CPU %u: its queue's lock is taken, and nobody runs", n);
	wrong = sched_find_wrong(&cpu);
	MUST(!wrong, "CPU %u: %s", cpu, wrong);
	return NULL;
}

/* The idle threads' and those of the bodies of IST entries; a CPU that did not start keeps its
 * own. */
static uint64_t cpus_stacks(void)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < MAX_CPUS; i++)
		n += cpus[i].idle ? IST_COUNT + 2 : 0;
	return n;
}

static const char *check_pools(const struct invariants *i)
{
	uint64_t known, kstacks, trampolines;
	const char *wrong = kstacks_check(&kstacks);

	if (!wrong)
		wrong = trampolines_check(&trampolines);
	if (!wrong)
		wrong = heap_check();
	if (wrong)
		return wrong;
	known = i->threads + cpus_stacks();
	MUST(kstacks == known || kstacks == known + SECRET_STACKS,
	     "%lu kernel stacks are handed out, and threads and CPUs have %lu", kstacks, known);
	MUST(trampolines == i->trampolines,
	     "%lu trampolines are handed out, and threads have %lu", trampolines,
	     i->trampolines);
	return NULL;
}

/* Those come first whose lists the others follow. */
static const char *check_all(void)
{
	struct invariants i = { 0 };
	const char *wrong;

	MUST(!process_lock.taken, "process_lock is taken, and nobody runs");
	if ((wrong = process_check_table()) || (wrong = check_scheduler()) ||
	    (wrong = tid_check()) || (wrong = check_processes(&i)) || (wrong = check_queues(&i)) ||
	    (wrong = check_budgets(&i)) || (wrong = check_regions()) || (wrong = check_cpus()) ||
	    (wrong = check_pools(&i)) || (wrong = check_pages(&i)))
		return wrong;
	return NULL;
}

const char *invariants_check(void)
{
	const char *wrong;

	world_stop();
	wrong = check_all();
	world_go();
	return wrong;
}

int64_t invariants_control(void)
{
	const char *wrong = invariants_check();

	if (!wrong)
		return 0;
	printk("invariant broken: %s\n", wrong);
	return -EINVAL;
}
