/* SPDX-License-Identifier: MIT */
/* sources: kernel/sched/runqueue.c */
/* test_runqueue.c - a CPU's ready threads against one list in order of arrival: who is taken, who
 * is stolen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/cpu.h"
#include "kernel/abi.h"
#include "kernel/sched/runqueue.h"

#define THREADS 300
#define ROUNDS 20000
#define HERE 1u			/* the queue's CPU */
#define THERE 2u		/* the thief's */

static struct runqueue queue;
static struct cpu cpu = { .index = HERE };
static struct thread threads[THREADS];
static uint32_t seed;

/* The model: who waits, in the order in which they came. */
static struct thread *waiting[THREADS];
static size_t count;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static int start(void **unused)
{
	(void)unused;
	seed = 1;
	count = 0;
	memset(&queue, 0, sizeof(queue));
	memset(threads, 0, sizeof(threads));
	for (size_t i = 0; i < THREADS; i++) {
		threads[i].cpu = &cpu;
		threads[i].homes = ANY_CPU;
		threads[i].priority = PRIORITY_USUAL;
	}
	runqueue_init(&queue);
	return 0;
}

static void check(void)
{
	const char *wrong = runqueue_check(&queue, &cpu);

	if (wrong)
		fail_msg("%s", wrong);
}

static void append(struct thread *t)
{
	runqueue_append(&queue, t);
	assert_int_equal(t->state, THREAD_QUEUED);
	waiting[count++] = t;
}

/* @t is out of the queue. */
static void forget(struct thread *t)
{
	size_t i = 0;

	while (waiting[i] != t)
		i++;
	memmove(&waiting[i], &waiting[i + 1], (--count - i) * sizeof(waiting[0]));
	t->state = THREAD_READY;
}

static struct thread *expect_taken(void)
{
	struct thread *first = NULL;

	for (size_t i = 0; i < count; i++)
		if (!first || waiting[i]->priority < first->priority)
			first = waiting[i];
	return first;
}

/* Of a class: the first that may run anywhere, else the first of those with some choice that may
 * run on @thief. */
static struct thread *expect_stolen_of(uint32_t priority, uint32_t thief)
{
	struct thread *found = NULL;
	unsigned looked = 0;

	for (size_t i = 0; i < count; i++) {
		struct thread *t = waiting[i];
		bool choice = t->homes & (t->homes - 1);

		if (t->priority != priority || !choice)
			continue;
		if (t->homes == ANY_CPU)
			return t;
		if (!found && looked++ < RUNQUEUE_LOOK && t->homes >> thief & 1)
			found = t;
	}
	return found;
}

static struct thread *expect_stolen(uint32_t thief)
{
	struct thread *t = NULL;

	for (uint32_t priority = 0; priority < PRIORITY_COUNT && !t; priority++)
		t = expect_stolen_of(priority, thief);
	return t;
}

static uint64_t draw_affinity(void)
{
	static const uint64_t kinds[] = {
		ANY_CPU, 1ul << HERE, 1ul << HERE | 1ul << THERE, 1ul << HERE | 1ul << 3
	};

	return kinds[draw(4)];
}

static void append_any(void)
{
	struct thread *t = &threads[draw(THREADS)];

	if (t->state == THREAD_QUEUED)
		return;
	t->priority = draw(PRIORITY_COUNT);
	t->homes = draw_affinity();
	append(t);
}

static void take(void)
{
	struct thread *t = expect_taken();

	assert_ptr_equal(runqueue_take(&queue), t);
	if (t)
		forget(t);
}

static void steal(uint32_t thief)
{
	struct thread *t = expect_stolen(thief);

	assert_int_equal(runqueue_affinity(&queue) >> thief & 1, !!t);
	assert_ptr_equal(runqueue_steal(&queue, thief), t);
	if (t)
		forget(t);
}

static void remove_any(void)
{
	struct thread *t;

	if (!count)
		return;
	t = waiting[draw(count)];
	runqueue_remove(&queue, t);
	assert_int_equal(t->state, THREAD_READY);
	forget(t);
}

static void agrees_with_a_list(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned what = draw(8), grow = i / 500 % 2 ? 6 : 3;

		if (what < grow)
			append_any();
		else if (what == 6)
			remove_any();
		else if (draw(2))
			take();
		else
			steal(draw(2) ? THERE : 3);
		check();
		assert_int_equal(!!queue.ready, !!count);
	}
	while (count)
		take();
	check();
	assert_null(runqueue_take(&queue));
}

/* --- what a thief finds, and what the bound costs ------------------------------------ */

static void behind_pinned_ones_all_others_are_found(void **unused)
{
	struct thread *choosy = &threads[THREADS - 2], *any = &threads[THREADS - 1];

	(void)unused;
	for (size_t i = 0; i < THREADS - 2; i++) {
		threads[i].homes = 1ul << HERE;
		append(&threads[i]);
	}
	assert_int_equal(runqueue_affinity(&queue), 0);
	choosy->homes = 1ul << HERE | 1ul << THERE;
	append(choosy);
	assert_int_equal(runqueue_affinity(&queue), choosy->homes);
	append(any);
	assert_true(runqueue_affinity(&queue) == ANY_CPU);
	assert_ptr_equal(runqueue_steal(&queue, THERE), any);
	assert_ptr_equal(runqueue_steal(&queue, THERE), choosy);
	assert_null(runqueue_steal(&queue, THERE));
	check();
}

/* Then it waits for those before it, as it would for its turn; of another class nobody hides it. */
static void behind_too_many_with_other_choices_one_is_hidden(void **unused)
{
	struct thread *hidden = &threads[RUNQUEUE_LOOK], *urgent = hidden + 1;

	(void)unused;
	for (size_t i = 0; i < RUNQUEUE_LOOK; i++) {
		threads[i].homes = 1ul << HERE | 1ul << 3;
		append(&threads[i]);
	}
	hidden->homes = urgent->homes = 1ul << HERE | 1ul << THERE;
	append(hidden);
	assert_int_equal(runqueue_affinity(&queue) >> THERE & 1, 0);
	assert_null(runqueue_steal(&queue, THERE));
	urgent->priority = PRIORITY_URGENT;
	append(urgent);
	assert_ptr_equal(runqueue_steal(&queue, THERE), urgent);
	assert_ptr_equal(runqueue_take(&queue), &threads[0]);
	assert_int_equal(runqueue_affinity(&queue) >> THERE & 1, 1);
	assert_ptr_equal(runqueue_steal(&queue, THERE), hidden);
}

/* --- the checker ---------------------------------------------------------------------- */

static void three(void)
{
	start(NULL);
	for (size_t i = 0; i < 3; i++)
		append(&threads[i]);
	check();
}

static void expect_wrong(const char *wrong)
{
	assert_string_equal(runqueue_check(&queue, &cpu), wrong);
}

static void the_checker_names_what_is_wrong(void **unused)
{
	struct cpu other = { .index = THERE };

	(void)unused;
	three();
	queue.ready = 0;
	expect_wrong("the mask of lists that have threads is wrong");
	three();
	queue.ready |= 1;
	expect_wrong("the mask of lists that have threads is wrong");
	three();
	threads[1].link.before = &threads[2].link;
	expect_wrong("a list's links do not match");
	three();
	threads[1].appended = 7;
	expect_wrong("a list is not in the order of appending");
	three();
	threads[2].state = THREAD_RUNNING;
	expect_wrong("a thread in a queue is not THREAD_QUEUED");
	three();
	threads[0].cpu = &other;
	expect_wrong("a queued thread belongs to another CPU");
	three();
	threads[0].priority = PRIORITY_BACKGROUND;
	expect_wrong("a queued thread is in another list than its priority and homes say");
	three();
	threads[0].sleeper.wake_at = 1;
	expect_wrong("a queued thread is a timed sleeper");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(agrees_with_a_list, start),
		cmocka_unit_test_setup(behind_pinned_ones_all_others_are_found, start),
		cmocka_unit_test_setup(behind_too_many_with_other_choices_one_is_hidden, start),
		cmocka_unit_test(the_checker_names_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
