/* SPDX-License-Identifier: MIT */
/*
 * test_smp_unmap.c - what one CPU has unmapped no other still sees.
 *
 * Readers on the other CPUs read one page all the time. Its owner takes it away, fills the frame
 * with something else, maps it anew at the same address, and the readers must see the new contents
 * at once, through loads of their own and through the kernel's user copies. Where the page stays
 * away, whoever touches it must die: that is tried in children. Another process shuffles frames
 * with contents of its own meanwhile.
 */
#include "arch/x86_64/trapframe.h"
#include "mm/layout.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "thread.h"

#define PROGRAM "test_smp_unmap"
#define READERS_MAX 8
#define ROUNDS 160
#define DEATHS 2		/* per CPU and way to touch */
#define WARM 50			/* touches before the page goes */
#define FILLS 500
#define FILL_PAGES 16
#define POISON 0xdead0000
#define STALE 3			/* exit code: an unmapped page was still there */

struct page {
	uint64_t value[8];	/* all alike: what copy64() takes at once */
};

struct reader {
	struct user_thread thread;
	unsigned cpu;
	bool sleeps;	/* between rounds, so that its CPU has left the space, or idles in it */
	volatile uint64_t round;	/* the last that it has checked */
};

static struct page *page;
static volatile uint64_t round = 1;	/* what the page holds; 0: end */
static volatile uint64_t wrong;		/* something that a reader saw instead */

static void load_page(uint64_t expected)
{
	for (unsigned i = 0; i < 64; i++) {
		uint64_t seen = *(volatile uint64_t *)&page->value[i % 8];

		if (seen != expected)
			wrong = seen;
	}
}

/* Loads first and last: whatever translation they left behind is tried at the next round. */
static void check_page(uint64_t expected)
{
	struct page copy;

	load_page(expected);
	copy.value[7] = POISON;
	if (sys_copy64((uintptr_t)page, (uintptr_t)&copy) || copy.value[7] != expected)
		wrong = copy.value[7];
	load_page(expected);
}

static void read_rounds(void *arg)
{
	struct reader *r = arg;
	uint64_t now;

	smp_pin(r->cpu);
	while ((now = round)) {
		if (now != r->round) {
			check_page(now);
			r->round = now;
		} else if (r->sleeps) {
			sys_sleep(0);
		} else {
			smp_relax();
		}
	}
}

static void fill(struct page *p, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		p->value[i] = value;
}

/* The page leaves, and its frame gets other contents under another address; a new one comes to the
 * old address. */
static void replace_page(uint64_t value)
{
	struct page *other;

	CHECK_EQUAL(sys_unmap((uintptr_t)page, PAGE_SIZE), 0);
	CHECK_EQUAL(sys_map(PAGE_SIZE, PROT_WRITE), (uintptr_t)page);
	other = map_memory(PAGE_SIZE, PROT_WRITE);
	fill(other, POISON);
	CHECK_EQUAL(page->value[0], 0);
	fill(page, value);
	CHECK_EQUAL(sys_unmap((uintptr_t)other, PAGE_SIZE), 0);
}

/* Readers look at no page but in a round: until all have done this one. */
static void run_round(struct reader *readers, unsigned count, uint64_t number)
{
	round = number;
	for (unsigned i = 0; i < count; i++)
		if (readers[i].sleeps)
			sys_wake((unsigned long)readers[i].thread.tid);
	for (unsigned i = 0; i < count; i++)
		while (readers[i].round != number)
			smp_wait();
}

/* Two readers for each CPU, one of which sleeps between the rounds. */
static void read_everywhere(unsigned cpus, uint64_t rounds)
{
	static struct reader readers[2 * READERS_MAX];
	unsigned count = 2 * (cpus < READERS_MAX ? cpus : READERS_MAX);

	page = map_memory(PAGE_SIZE, PROT_WRITE);
	fill(page, round);
	for (unsigned i = 0; i < count; i++) {
		readers[i] = (struct reader){ .cpu = smp_cpu(i / 2), .sleeps = i & 1 };
		CHECK_EQUAL(thread_start(&readers[i].thread, read_rounds, &readers[i]), 0);
	}
	run_round(readers, count, 1);
	for (uint64_t i = 2; i < rounds + 2; i++) {
		replace_page(i);
		run_round(readers, count, i);
	}
	printf("# %lu times a page was replaced under %u readers\n", rounds, count);
	round = 0;
	for (unsigned i = 0; i < count; i++) {
		sys_wake((unsigned long)readers[i].thread.tid);
		CHECK_EQUAL(thread_finish(&readers[i].thread), 0);
	}
	CHECK_EQUAL(wrong, 0);
	CHECK_EQUAL(sys_unmap((uintptr_t)page, PAGE_SIZE), 0);
}

/* --- in children -------------------------------------------------------------------------- */

static volatile bool gone;		/* unmap() has returned */
static volatile bool asleep;
static volatile uint64_t touches;

static void touch_by_load(void)
{
	(void)*(volatile uint64_t *)&page->value[0];
}

static void touch_by_store(void)
{
	*(volatile uint64_t *)&page->value[0] = 1;
}

/* The kernel reports what a load would die of. */
static void touch_by_kernel(void)
{
	struct page copy;
	bool was_gone = gone;
	long error = sys_copy64((uintptr_t)page, (uintptr_t)&copy);

	if (error)
		sys_exit(error == -EFAULT ? 0 : 1);
	if (was_gone)
		sys_exit(STALE);
}

static void touch_after_sleep(void)
{
	touch_by_load();
	if (touches < WARM)
		return;
	asleep = true;
	sys_sleep(0);
	touch_by_load();
	sys_exit(STALE);
}

static const struct way {
	const char *name;
	void (*touch)(void);
	uint64_t outcomes;
} ways[] = {
	{ "load", touch_by_load, KILLED_BY(VECTOR_PF) },
	{ "store", touch_by_store, KILLED_BY(VECTOR_PF) },
	{ "kernel", touch_by_kernel, SURVIVES },
	{ "sleep", touch_after_sleep, KILLED_BY(VECTOR_PF) },
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static void keep_touching(void *arg)
{
	const struct way *w = arg;

	for (;;) {
		bool was_gone = gone;

		w->touch();
		if (was_gone)
			sys_exit(STALE);
		touches++;
		smp_relax();
	}
}

/* "<way>,<n>": a thread on the n-th CPU touches the page in that way all the time; from elsewhere
 * it is unmapped. */
static int lose_page(const char *what)
{
	const struct way *w = ways;
	struct user_thread t;
	unsigned n;

	while (!starts_with(what, w->name))
		w++;
	n = (unsigned)parse_number(what + strlen(w->name) + 1);
	page = map_memory(PAGE_SIZE, PROT_WRITE);
	if (thread_start(&t, keep_touching, (void *)w))
		return TEST_FAIL;
	sys_set_affinity((unsigned long)t.tid, 1ul << smp_cpu(n));
	smp_pin(smp_cpu(n + 1));
	while (touches < WARM || (w->touch == touch_after_sleep && !asleep))
		smp_wait();
	if (sys_unmap((uintptr_t)page, PAGE_SIZE))
		return TEST_FAIL;
	gone = true;
	sys_wake((unsigned long)t.tid);
	for (;;)
		sys_sleep(0);
}

/* Frames wander through this process: new ones are zero, and contents stay as long as they are
 * mapped. */
static int shuffle_frames(void)
{
	for (uint64_t i = 0; i < FILLS; i++) {
		char *p = map_memory(FILL_PAGES * PAGE_SIZE, PROT_WRITE);

		for (unsigned n = 0; n < FILL_PAGES; n++) {
			struct page *at = (struct page *)(p + n * PAGE_SIZE);

			CHECK_EQUAL(at->value[n % 8], 0);
			fill(at, POISON + i);
		}
		for (unsigned n = 0; n < FILL_PAGES; n++)
			CHECK_EQUAL(((struct page *)(p + n * PAGE_SIZE))->value[n % 8], POISON + i);
		CHECK_EQUAL(sys_unmap((uintptr_t)p, FILL_PAGES * PAGE_SIZE), 0);
	}
	return test_result();
}

static int child(const char *what)
{
	if (!strcmp(what, "shuffle"))
		return shuffle_frames();
	if (strcmp(what, "replace"))
		return lose_page(what);
	read_everywhere(smp_count(), ROUNDS / smp_count());
	return test_result();
}

int main(const char *arg, size_t len)
{
	unsigned cpus = smp_count();
	char name[32];
	long shuffler;

	(void)len;
	if (starts_with(arg, "child="))
		return child(arg + strlen("child="));
	shuffler = spawn(PROGRAM, "child=shuffle");
	CHECK(shuffler > 0);
	read_everywhere(cpus, ROUNDS / cpus);
	for (unsigned i = 0; i < DEATHS * cpus; i++) {
		for (unsigned way = 0; way < WAYS; way++) {
			snprintf(name, sizeof(name), "%s,%u", ways[way].name, i);
			test_child(PROGRAM, name, ways[way].outcomes);
		}
	}
	CHECK_EQUAL(sys_wait((unsigned long)shuffler), TEST_PASS);
	return test_result();
}
