/* SPDX-License-Identifier: MIT */
/*
 * life.c - one process's life: callers, and a keeper who keeps them from waiting for ever.
 *
 * Each caller has a stack of its own, by its place.  One that ends in the middle of something
 * leaves its place taken; so places run out, and the process is idle at last, which the keeper
 * notices.
 */
#include "fuzz.h"
#include "test.h"
#include "user.h"

#define PLACES		12
#define STACK		8192
#define FIRST_CALLERS	4
#define NAP_NS		1000000
#define NAPS		100		/* without any progress */
#define SLOW		20		/* calls in a nap: most callers wait */

static char stacks[PLACES][STACK] __attribute__((aligned(16)));
static bool taken[PLACES];
static uint64_t life_seed;

static uint64_t made(void)
{
	return __atomic_load_n(&known.calls, __ATOMIC_RELAXED);
}

static uint64_t code(void)
{
	return made() / CALLS_UNIT < 255 ? made() / CALLS_UNIT : 255;
}

/* The stack is given back by a thread that needs none any more. */
static void __attribute__((noreturn)) leave(uint64_t place)
{
	__asm__ volatile("movb $0, %0\n\tsyscall\n\tud2"
			 :
			 : "m"(taken[place]), "a"(SYS_thread_exit)
			 : "memory");
	__builtin_unreachable();
}

/* @place draws its own calls, whichever thread is there. */
static void call_on(uint64_t place)
{
	uint64_t seed = life_seed + place * 0x9e3779b97f4a7c15ul + made();

	while (made() < LIFE_CALLS && !chance(&seed, 2000))
		call_something(&seed);
	leave(place);
}

long add_caller(uint64_t *seed)
{
	uint64_t place = test_random(seed) % PLACES;
	long tid;

	for (unsigned i = 0; __atomic_exchange_n(&taken[place], true, __ATOMIC_ACQUIRE); i++) {
		if (i == PLACES)
			return -EAGAIN;
		place = (place + 1) % PLACES;
	}
	tid = call(SYS_thread_create, (uintptr_t)call_on, (uintptr_t)stacks[place] + STACK - 8,
		   place, 0);
	if (tid > 0)
		remember(known.tid, (uint64_t)tid, seed);
	else
		taken[place] = false;
	return tid;
}

/* Whatever they wait for, they give it up: once stopped, then let go. */
static void stir(void)
{
	for (unsigned i = 0; i < KNOWN; i++) {
		uint64_t tid = known.tid[i];

		call(SYS_wake, tid, 0, 0, 0);
		if (tid != known.keeper && !call(SYS_thread_stop, tid, 0, 0, 0))
			call(SYS_thread_resume, tid, 0, 0, 0);
	}
}

static void keep(void *unused)
{
	uint64_t before, done, seed = life_seed;

	(void)unused;
	for (unsigned idle = 0; made() < LIFE_CALLS && idle < NAPS; idle = done ? 0 : idle + 1) {
		before = made();
		sys_sleep(NAP_NS);
		done = made() - before;
		if (done < SLOW)
			stir();
		if (!done)			/* all may have ended */
			add_caller(&seed);
	}
	for (;;)
		sys_exit(code());
}

int live(uint64_t seed)
{
	static char stack[STACK] __attribute__((aligned(16)));
	long tid;

	life_seed = seed;
	for (unsigned i = 0; i < sizeof(stacks); i += 4096)	/* or an allocation that fails
								 * would be one of these */
		((volatile char *)stacks)[i] = 0;
	((volatile char *)stack)[0] = ((volatile char *)stack)[4096] = 0;
	tid = sys_thread_create((uintptr_t)keep, (uintptr_t)stack + STACK - 8, 0);
	if (tid <= 0)
		return 0;
	known.keeper = (uint64_t)tid;
	for (unsigned i = 0; i < FIRST_CALLERS; i++)
		add_caller(&seed);
	while (made() < LIFE_CALLS && !chance(&seed, 5000))
		call_something(&seed);
	if (made() < LIFE_CALLS)
		sys_thread_exit();
	return (int)code();
}
