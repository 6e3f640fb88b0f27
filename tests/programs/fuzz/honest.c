/* SPDX-License-Identifier: MIT */
/* honest.c - the bystanders: registers, joins, waits and a thread's own memory are right, whatever
 * others call. */
#include "fuzz.h"
#include "bystander.h"
#include "mm/layout.h"
#include "print.h"
#include "range.h"
#include "test.h"
#include "user.h"

#define BYSTANDERS 2
#define PAGES 5
#define NAP_NS 200000

static struct bystander_thread bystanders[BYSTANDERS];
static struct user_thread worker;
static bool stop, good;
static uint64_t rounds, first_seed;

static void set_word(void *word)
{
	*(volatile uint64_t *)word = (uintptr_t)word;
}

static bool said(bool right, const char *what, long result)
{
	if (!right)
		printf("fuzz: bystander: %s: %ld\n", what, result);
	return right;
}

/* A thread that is joined has done its work, once. */
static bool join_round(void)
{
	struct user_thread t;
	uint64_t word = 0;
	long result = thread_start(&t, set_word, &word);

	if (result == -EAGAIN || result == -ENOMEM)
		return true;		/* others have taken what there is */
	if (!said(!result, "thread_create()", result))
		return false;
	result = thread_finish(&t);
	return said(!result, "thread_join()", result) &&
	       said(word == (uintptr_t)&word, "a joined thread's word", (long)word) &&
	       said(sys_thread_join((unsigned long)t.tid) == -ESRCH, "a second join", t.tid);
}

/* A child's exit code is its own, and is told once. */
static bool wait_round(uint64_t *seed)
{
	uint64_t code = test_random(seed) % 256;
	char arg[32];
	long pid, status;

	snprintf(arg, sizeof(arg), "child=honest,%lu", code);
	pid = spawn("fuzz", arg);
	if (pid == -EAGAIN || pid == -ENOMEM)
		return true;
	if (!said(pid > 0, "spawn()", pid))
		return false;
	status = sys_wait((unsigned long)pid);
	return said(status == (long)code, "wait()", status) &&
	       said(sys_wait((unsigned long)pid) == -ECHILD, "a second wait", pid);
}

/* New pages are zero, keep what is written, and are gone afterwards. */
static bool map_round(uint64_t *seed)
{
	uint64_t mark = test_random(seed);
	char *range = map_memory(PAGES * PAGE_SIZE, PROT_WRITE);
	long result;

	if (!range)
		return true;
	if (!said(!pages_without(range, PAGES, 0), "new pages that are not zero",
		  (long)(uintptr_t)range))
		return false;
	fill(range, PAGES, mark);
	sys_yield();
	result = pages_without(range, PAGES, mark);
	if (!said(!result, "pages that lost what was written", result))
		return false;
	result = sys_unmap((uintptr_t)range, PAGES * PAGE_SIZE);
	return said(!result, "unmap()", result) &&
	       said(!readable(range), "a page after unmap()", (long)(uintptr_t)range);
}

static void work(void *unused)
{
	uint64_t seed = first_seed;

	(void)unused;
	do {
		good = join_round() && map_round(&seed) && (rounds++ % 8 || wait_round(&seed));
		sys_sleep(NAP_NS);
	} while (good && !__atomic_load_n(&stop, __ATOMIC_RELAXED));
}

bool honest_begin(uint64_t seed)
{
	good = true;
	stop = false;
	rounds = 0;
	first_seed = seed;
	for (unsigned i = 0; i < BYSTANDERS; i++) {
		good &= bystander_start(&bystanders[i], test_random(&seed)) == 0;
		/* They never sleep: a caller that has made itself less urgent would never run. */
		sys_set_priority((unsigned long)bystanders[i].thread.tid, PRIORITY_BACKGROUND);
	}
	return thread_start(&worker, work, NULL) == 0 && good;
}

bool honest_end(void)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	good &= thread_finish(&worker) == 0 && rounds;
	for (unsigned i = 0; i < BYSTANDERS; i++)
		good &= bystander_stop(&bystanders[i]);
	if (!good || rounds > 1)
		printf("fuzz: bystanders: %lu rounds of joins, maps and waits: %s\n", rounds,
		       good ? "all right" : "WRONG");
	return good;
}

int honest_child(uint64_t exit_code)
{
	for (unsigned i = 0; i < 3; i++)
		sys_yield();
	return (int)exit_code;
}
