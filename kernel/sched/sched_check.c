/* SPDX-License-Identifier: MIT */
/* sched_check.c - for tests: the rules that the scheduler's queues keep, all of them looked at. */
#include "arch/x86_64/cpu.h"
#include "kernel/console/panic.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/sched_internal.h"
#include "kernel/sync/spinlock.h"

static const char *check_sleepers(const struct runqueue *q, const struct cpu *cpu)
{
	const struct sleeper *s = q->sleepers.soonest;
	const char *wrong = sleepers_check(&q->sleepers);

	if (!wrong && s && q->tick_rests)
		return "the tick rests although there is a timed sleeper";
	for (; s && !wrong; s = sleepers_next(s)) {
		const struct thread *t = thread_of_sleeper(s);

		if (!thread_waits(t))
			wrong = "a timed sleeper does not wait";
		else if (t->cpu != cpu)
			wrong = "a timed sleeper belongs to another CPU";
	}
	return wrong;
}

static const char *check_affinity(const struct runqueue *q, const struct cpu *cpu)
{
	for (unsigned n = 0; n < RUNQUEUE_LISTS; n++)
		LIST_EACH(link, &q->lists[n])
			if (!(thread_of_link(link)->affinity >> cpu->index & 1))
				return "a thread is queued where it may not run";
	return NULL;
}

static const char *check_current(const struct cpu *cpu)
{
	const struct thread *t = cpu->percpu->current;

	if (t->state != THREAD_RUNNING)
		return "the current thread is not THREAD_RUNNING";
	if (t->cpu != cpu)
		return "the current thread belongs to another CPU";
	if (t != cpu->idle && __atomic_load_n(&sched_idle_cpus, __ATOMIC_SEQ_CST) >> cpu->index & 1)
		return "the CPU counts as idle and runs a thread";
	return NULL;
}

static const char *check_cpu(struct cpu *cpu)
{
	struct runqueue *q = queue_of(cpu);
	const char *wrong;

	spin_lock(&q->lock);
	wrong = runqueue_check(q, cpu);
	if (!wrong)
		wrong = check_affinity(q, cpu);
	if (!wrong)
		wrong = check_sleepers(q, cpu);
	if (!wrong)
		wrong = check_current(cpu);
	spin_unlock(&q->lock);
	return wrong;
}

const char *sched_find_wrong(uint32_t *cpu)
{
	const char *wrong = NULL;

	for (uint32_t i = 0; i < cpu_count && !wrong; i++) {
		wrong = check_cpu(&cpus[i]);
		*cpu = i;
	}
	return wrong;
}

void sched_check(void)
{
	uint32_t cpu = 0;
	const char *wrong = sched_find_wrong(&cpu);

	if (wrong)
		panic("scheduler of CPU %u: %s", cpu, wrong);
}
