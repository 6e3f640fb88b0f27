/* SPDX-License-Identifier: MIT */
/*
 * test_smp_map.c - map(), unmap() and page faults of one process at the same time.
 *
 * A range that one thread unmaps is nobody's until its last page is gone: no map() gets it, no
 * touch fills it. Only then a sibling's map() may have it, empty.
 */
#include "arch/x86_64/trapframe.h"
#include "mm/layout.h"
#include "range.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "thread.h"

#define PROGRAM "test_smp_map"
#define PAGES 1024
#define LEN (PAGES * PAGE_SIZE)
#define SMALL_PAGES 64
#define ROUNDS 4
#define CHURNS 24
#define CPUS_MAX 8
#define POISON 0xdead
#define STAMP 0x57a3

/* --- a range that goes, and a sibling that wants it ---------------------------------------- */

#define NOTHING ((char *)1)

static char *volatile wanted = NOTHING;	/* what is being unmapped; NULL: end */
static volatile bool unmapped;		/* and its unmap() has returned */

static void use_range(char *range)
{
	CHECK_EQUAL(pages_without(range, PAGES, 0), 0);
	fill(range, PAGES, STAMP);
	while (!unmapped)
		smp_wait();
	CHECK_EQUAL(pages_without(range, PAGES, STAMP), 0);
	CHECK_EQUAL(sys_unmap((uintptr_t)range, LEN), 0);
	wanted = NOTHING;
}

/* Maps until it gets the range that the other one gives up. Any other lies above that. */
static void take_ranges(void *unused)
{
	(void)unused;
	smp_pin(smp_cpu(1));
	while (wanted) {
		char *range = wanted != NOTHING ? map_memory(LEN, PROT_WRITE) : NULL;

		if (range && range == wanted)
			use_range(range);
		else if (range)
			CHECK_EQUAL(sys_unmap((uintptr_t)range, LEN), 0);
		smp_wait();
	}
}

static void give_ranges(void)
{
	struct user_thread sibling;

	smp_pin(smp_cpu(0));
	CHECK_EQUAL(thread_start(&sibling, take_ranges, NULL), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		char *range = map_memory(LEN, PROT_WRITE);

		fill(range, PAGES, POISON);
		unmapped = false;
		wanted = range;
		CHECK_EQUAL(sys_unmap((uintptr_t)range, LEN), 0);
		unmapped = true;
		while (wanted == range)
			smp_wait();
	}
	wanted = NULL;
	CHECK_EQUAL(thread_finish(&sibling), 0);
	wanted = NOTHING;
	smp_unpin();
}

/* --- siblings that take over from each other -------------------------------------------------- */

/* Each has what it mapped for itself. */
static void churn(void *n)
{
	uint64_t stamp = STAMP + (uintptr_t)n;

	smp_pin(smp_cpu((unsigned)(uintptr_t)n));
	for (unsigned i = 0; i < CHURNS; i++) {
		char *range = map_memory(SMALL_PAGES * PAGE_SIZE, PROT_WRITE);

		CHECK_EQUAL(pages_without(range, SMALL_PAGES, 0), 0);
		fill(range, SMALL_PAGES, stamp);
		CHECK_EQUAL(pages_without(range, SMALL_PAGES, stamp), 0);
		CHECK_EQUAL(sys_unmap((uintptr_t)range, SMALL_PAGES * PAGE_SIZE), 0);
	}
}

static void churn_everywhere(void)
{
	static struct user_thread threads[CPUS_MAX];
	unsigned count = smp_count() > CPUS_MAX ? CPUS_MAX : smp_count();

	for (unsigned i = 0; i < count; i++)
		CHECK_EQUAL(thread_start(&threads[i], churn, (void *)(uintptr_t)i), 0);
	for (unsigned i = 0; i < count; i++)
		CHECK_EQUAL(thread_finish(&threads[i]), 0);
}

static char *volatile refilled;		/* who got it shares it with all */
static volatile bool leave;

static void refill(void *n)
{
	smp_pin(smp_cpu((unsigned)(uintptr_t)n));
	while (!leave) {
		bool look = wanted != NOTHING && !refilled;
		char *range = look ? map_memory(SMALL_PAGES * PAGE_SIZE, PROT_WRITE) : NULL;

		if (range && range == wanted)
			refilled = range;
		else if (range)
			CHECK_EQUAL(sys_unmap((uintptr_t)range, SMALL_PAGES * PAGE_SIZE), 0);
		if (refilled)
			fill(refilled, SMALL_PAGES, STAMP);
		smp_wait();
	}
}

/* Were the new pages in the old range's way, unmap() would take them out, the siblings bring them
 * in, without end. */
static void refill_everywhere(void)
{
	static struct user_thread threads[CPUS_MAX];
	unsigned count = smp_count() > CPUS_MAX ? CPUS_MAX : smp_count();

	smp_pin(smp_cpu(0));
	leave = false;
	for (unsigned i = 0; i < count; i++)
		CHECK_EQUAL(thread_start(&threads[i], refill, (void *)(uintptr_t)(i + 1)), 0);
	wanted = map_memory(SMALL_PAGES * PAGE_SIZE, PROT_WRITE);
	fill(wanted, SMALL_PAGES, POISON);
	CHECK_EQUAL(sys_unmap((uintptr_t)wanted, SMALL_PAGES * PAGE_SIZE), 0);
	while (!refilled)
		smp_wait();
	leave = true;
	for (unsigned i = 0; i < count; i++)
		CHECK_EQUAL(thread_finish(&threads[i]), 0);
	CHECK_EQUAL(sys_unmap((uintptr_t)refilled, SMALL_PAGES * PAGE_SIZE), 0);
	wanted = NOTHING;
	refilled = NULL;
	smp_unpin();
}

/* --- a range that goes, and siblings that touch it ------------------------------------------- */

static char *volatile touched;
static volatile uint64_t found, missed;

static void touch_by_kernel(void *cpu)
{
	smp_pin(smp_cpu((unsigned)(uintptr_t)cpu));
	for (unsigned i = 0; !leave; i++) {
		if (readable(touched + i % SMALL_PAGES * PAGE_SIZE))
			__atomic_add_fetch(&found, 1, __ATOMIC_RELAXED);
		else
			__atomic_add_fetch(&missed, 1, __ATOMIC_RELAXED);
		if (i % SMALL_PAGES == 0)
			smp_wait();
	}
}

/* What is touched while it goes does not come back. */
static void unmap_under_touches(void)
{
	unsigned others = smp_count() > CPUS_MAX ? CPUS_MAX : smp_count();
	static struct user_thread threads[CPUS_MAX];
	uint64_t before;

	smp_pin(smp_cpu(0));
	for (unsigned round = 0; round < ROUNDS; round++) {
		touched = map_memory(SMALL_PAGES * PAGE_SIZE, PROT_WRITE);
		found = 0;
		leave = false;
		for (unsigned i = 0; i < others; i++)
			CHECK_EQUAL(thread_start(&threads[i], touch_by_kernel,
						 (void *)(uintptr_t)(i + 1)),
				    0);
		while (found < 2 * SMALL_PAGES)
			smp_wait();
		CHECK_EQUAL(sys_unmap((uintptr_t)touched, SMALL_PAGES * PAGE_SIZE), 0);
		CHECK(!readable(touched));
		before = missed;
		while (missed < before + 2 * SMALL_PAGES)
			smp_wait();
		leave = true;
		for (unsigned i = 0; i < others; i++)
			CHECK_EQUAL(thread_finish(&threads[i]), 0);
	}
	smp_unpin();
}

static void touch_by_store(void *cpu)
{
	smp_pin(smp_cpu((unsigned)(uintptr_t)cpu));
	for (unsigned i = 0;; i++) {
		*word_of(touched, i % SMALL_PAGES) = i;
		found++;
		if (i % SMALL_PAGES == 0)
			smp_wait();
	}
}

/* In a child: it dies of the first touch. */
static int lose_range(void)
{
	struct user_thread t;

	touched = map_memory(SMALL_PAGES * PAGE_SIZE, PROT_WRITE);
	if (thread_start(&t, touch_by_store, (void *)1))
		return TEST_FAIL;
	while (found < 2 * SMALL_PAGES)
		smp_wait();
	if (sys_unmap((uintptr_t)touched, SMALL_PAGES * PAGE_SIZE))
		return TEST_FAIL;
	for (;;)
		sys_sleep(0);
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (!strcmp(arg, "child=touch"))
		return lose_range();
	give_ranges();
	churn_everywhere();
	for (unsigned i = 0; i < ROUNDS; i++)
		refill_everywhere();
	unmap_under_touches();
	test_child(PROGRAM, "touch", KILLED_BY(VECTOR_PF));
	return test_result();
}
