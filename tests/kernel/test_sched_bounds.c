/* SPDX-License-Identifier: MIT */
/*
 * test_sched_bounds.c - what the scheduler does with interrupts off takes a bounded time, with any
 * number of threads.
 */
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "entry/dispatch.h"
#include "kernel/abi.h"
#include "kernel/sched/sched_internal.h"
#include "mm/heap.h"
#include "tests/kernel/ktest.h"
#include "tests/kernel/sched_test.h"

#define THREADS 16383u
#define STEP_MAX 1500u		/* instructions of a queue's operation, a part of the scheduler's */
#define OPERATION_MAX 5000u
#define DUE 400u
#define WOKEN_MAX 8u		/* by one interrupt */
#define VECTOR_LOW (VECTOR_LATER + 1)

/* --- the queues, filled with threads that never run ----------------------------------- */

static struct runqueue queue;
static struct thread **threads;
static uint64_t longest;

#define MEASURE(operation)						\
	do {								\
		uint64_t begin = rdtsc(), ticks;			\
		operation;						\
		ticks = rdtsc() - begin;				\
		longest = ticks > longest ? ticks : longest;		\
	} while (0)

static bool make_threads(void)
{
	threads = kzalloc(THREADS * sizeof(struct thread *));
	for (unsigned i = 0; threads && i < THREADS; i++) {
		threads[i] = kzalloc(sizeof(*threads[i]));
		if (!threads[i])
			return false;
		threads[i]->priority = PRIORITY_USUAL;
	}
	return threads;
}

static void free_threads(void)
{
	for (unsigned i = 0; threads && i < THREADS; i++)
		if (threads[i])
			kfree(threads[i]);
	kfree(threads);
}

/* @n different numbers below THREADS, a prime's multiple apart. */
static unsigned shuffled(unsigned i)
{
	return (uint64_t)i * 7919 % THREADS;
}

static void measure_sleepers(void)
{
	struct sleepers *heap = &queue.sleepers;

	for (unsigned i = 0; i < THREADS; i++)
		MEASURE(sleepers_add(heap, &threads[i]->sleeper, 1 + shuffled(i)));
	for (unsigned i = 0; heap->soonest; i++) {
		struct sleeper *any = &threads[shuffled(i)]->sleeper;

		MEASURE(sleepers_remove(heap, heap->soonest));
		if (any->wake_at)
			MEASURE(sleepers_remove(heap, any));
	}
}

static void measure_queue(uint64_t affinity)
{
	for (unsigned i = 0; i < THREADS; i++) {
		threads[i]->homes = affinity;
		MEASURE(runqueue_append(&queue, threads[i]));
	}
	MEASURE(runqueue_affinity(&queue));
	MEASURE(runqueue_steal(&queue, 2));
	for (unsigned i = 0; i < THREADS; i++)
		if (threads[shuffled(i)]->state == THREAD_QUEUED && i % 3)
			MEASURE(runqueue_remove(&queue, threads[shuffled(i)]));
	while (queue.ready)
		MEASURE(runqueue_take(&queue));
}

KTEST(no_queue_operation_takes_longer_with_more_threads)
{
	if (!tsc_counts_instructions()) {
		printk("# skipped: the TSC does not count instructions\n");
		return;
	}
	if (make_threads()) {
		runqueue_init(&queue);
		longest = 0;
		measure_sleepers();
		printk("# sleepers: %lu instructions at most\n", longest);
		KCHECK(longest <= STEP_MAX);
		longest = 0;
		measure_queue(ANY_CPU);
		measure_queue(1ul << 1);
		measure_queue(1ul << 1 | 1ul << 3);
		printk("# ready threads: %lu instructions at most\n", longest);
		KCHECK(longest <= STEP_MAX);
	} else {
		printk("# skipped: not enough memory\n");
	}
	free_threads();
}

/* --- more sleepers are due than one interrupt may wake -------------------------------- */

static unsigned turns, order[DUE];
static unsigned interrupts, most_woken, low_interrupts, low_sent, low_came_late;
static uint64_t longest_interrupt;

static void note_turn(void *number)
{
	order[turns++] = (uintptr_t)number;
}

static unsigned asleep(void)
{
	unsigned n = 0;
	const struct sleeper *s = queue_of(this_cpu())->sleepers.soonest;

	for (; s; s = sleepers_next(s))
		n++;
	return n;
}

/* One interrupt's work, done by @handler. */
static void watch(trap_handler *handler, struct trapframe *frame)
{
	unsigned before = asleep(), woken;
	uint64_t begin = rdtsc(), ticks;

	handler(frame);
	ticks = rdtsc() - begin;
	longest_interrupt = ticks > longest_interrupt ? ticks : longest_interrupt;
	woken = before - asleep();
	most_woken = woken > most_woken ? woken : most_woken;
	interrupts++;
}

/* The next one waits already. One that comes now goes first all the same. */
static void watch_later(struct trapframe *frame)
{
	low_came_late += low_interrupts < low_sent;
	watch(sched_later_irq, frame);
	low_sent++;
	lapic_send_ipi(this_cpu()->apic_id, VECTOR_LOW);
}

static void count_low(struct trapframe *frame)
{
	(void)frame;
	lapic_eoi();
	low_interrupts++;
}

/* They have never run, and will run when they are woken. Pairs have the same time. */
static void add_sleeper(unsigned i)
{
	struct thread *t = sched_test_thread_here(note_turn, (void *)(uintptr_t)i);

	t->state = THREAD_SLEEPING;
	sleepers_add(&queue_of(this_cpu())->sleepers, &t->sleeper, 1 + i / 2);
}

static void sleep_and_wake(void)
{
	trap_handler *old = irq_set_handler(VECTOR_LATER, watch_later);
	trap_handler *low = irq_set_handler(VECTOR_LOW, count_low);

	turns = interrupts = most_woken = 0;
	low_interrupts = low_sent = low_came_late = 0;
	longest_interrupt = 0;
	for (unsigned i = 0; i < DUE; i++)
		add_sleeper(i);
	sched_check();
	watch(sched_tick, NULL);
	sched_check();
	while (queue_of(this_cpu())->sleepers.soonest)	/* a hang is the boot runner's time-out */
		irq_window();
	irq_window();
	sched_yield();
	irq_set_handler(VECTOR_LATER, old);
	irq_set_handler(VECTOR_LOW, low);
}

KTEST(sleepers_that_are_due_wake_in_order_and_a_few_at_a_time)
{
	bool in_order = true;

	sleep_and_wake();
	for (unsigned i = 0; i < turns; i++)
		in_order = in_order && order[i] == i;
	KCHECK(turns == DUE);
	KCHECK(in_order);
	KCHECK(most_woken && most_woken <= WOKEN_MAX);
	KCHECK(interrupts >= DUE / WOKEN_MAX);
	KCHECK(low_sent && low_interrupts == low_sent && !low_came_late);
	KCHECK(!tsc_counts_instructions() || longest_interrupt <= OPERATION_MAX);
	printk("# %u interrupts woke %u, with at most %lu TSC ticks\n", interrupts, turns,
	       longest_interrupt);
	sched_check();
}
