/* SPDX-License-Identifier: MIT */
/* irqsoff_crowd.c - worst cases of calls on threads and processes: beside thousands of threads,
 * many children. */
#include "bench.h"
#include "designs.h"
#include "irqsoff.h"
#include "mm/layout.h"
#include "smp.h"
#include "string.h"
#include "thread.h"

#define PAGE 4096ul
#define PAGES 4096		/* that a child has at its end */
#define CHILDREN 64
#define NS_PER_MS 1000000ul
#define LONG_NS (1000 * 1000 * NS_PER_MS)
#define ARGUMENT_BYTES 1024	/* the longest that spawn() takes */
#define IDLE_NS (50 * NS_PER_MS)	/* long enough to take all that apart */
#define TOO_DEEP 3			/* a child's status: it could start none */

unsigned long crowd[CROWD_MAX];

/* Both touch no memory, so that all of a crowd can have one stack. */
static void crowd_sleep(unsigned long ns)
{
	raw_syscall(SYS_sleep, ns, 0, 0, 0);
	raw_syscall(SYS_thread_exit, 0, 0, 0, 0);
}

static void crowd_die(unsigned long unused)
{
	(void)unused;
	raw_syscall(SYS_thread_exit, 0, 0, 0, 0);
}

unsigned make_crowd(enum crowd_life life, uint64_t ns)
{
	static char stack[64] __attribute__((aligned(16)));
	uintptr_t entry = life == CROWD_DEAD ? (uintptr_t)crowd_die : (uintptr_t)crowd_sleep;
	unsigned n = 0;

	for (; n < CROWD_MAX; n++) {
		long tid = sys_thread_create(entry, (uintptr_t)stack + sizeof(stack) - 8, ns);

		if (tid < 0)
			break;
		crowd[n] = (unsigned long)tid;
		sys_set_affinity(crowd[n], 1ul << smp_cpu(0));
	}
	if (life != CROWD_READY) {
		sys_yield();
		sys_yield();
	}
	return n;
}

/* @n of them may run on two CPUs now. */
static void spread_crowd(unsigned n)
{
	unsigned long two = 1ul << smp_cpu(0) | 1ul << smp_cpu(1);

	while (n--)
		sys_set_affinity(crowd[n], two);
}

/* --- threads -------------------------------------------------------------------- */

void worst_yield(void)
{
	make_crowd(CROWD_READY, 0);
	watch_begin();
	sys_yield();
	watch_end();
}

/* After all others; then all, whose time has passed, are woken at once by the tick. */
void worst_sleep(void)
{
	make_crowd(CROWD_ASLEEP, 1);
	watch_begin();
	sys_sleep(3 * NS_PER_MS);
	watch_end();
}

void worst_wake(void)
{
	unsigned n = make_crowd(CROWD_ASLEEP, LONG_NS);

	watch_begin();
	sys_wake(crowd[n - 1]);
	sys_wake(crowd[n / 2]);
	watch_end();
}

void worst_thread_stop(void)
{
	unsigned n = make_crowd(CROWD_ASLEEP, LONG_NS);

	watch_begin();
	sys_thread_stop(crowd[n - 1]);
	watch_end();
}

void worst_set_priority(void)
{
	unsigned n = make_crowd(CROWD_READY, 0);

	watch_begin();
	sys_set_priority(crowd[n - 1], PRIORITY_BACKGROUND);
	sys_set_priority(crowd[n / 2], PRIORITY_BACKGROUND);
	watch_end();
}

/* Away from this CPU where there is another, and back. */
void worst_set_affinity(void)
{
	unsigned long here = 1ul << smp_cpu(0), there = 1ul << smp_cpu(1);
	unsigned n = make_crowd(CROWD_READY, 0);

	watch_begin();
	sys_set_affinity(crowd[n - 1], there);
	sys_set_affinity(crowd[n / 2], there);
	sys_set_affinity(crowd[n / 2], here);
	sys_set_affinity(0, here);
	watch_end();
}

/* The kernel clears the dead away when a thread is made or joined. */
void worst_thread_create(void)
{
	make_crowd(CROWD_DEAD, 0);
	watch_begin();
	sys_thread_create((uintptr_t)crowd_die, 0, 0);
	watch_end();
}

void worst_thread_join(void)
{
	unsigned n = make_crowd(CROWD_DEAD, 0);

	watch_begin();
	sys_thread_join(crowd[n - 1]);
	watch_end();
}

/* --- processes ------------------------------------------------------------------ */

void child_quit(void)
{
}

/* Many pages, many regions, many threads, children: all go. */
static void grow(enum crowd_life life)
{
	unsigned n;
	char *pages = map_memory(PAGES * PAGE, PROT_WRITE);

	for (unsigned long i = 0; pages && i < PAGES; i++)
		*(volatile char *)(pages + i * PAGE) = 1;
	for (unsigned i = 0; i < PAGES; i++)
		sys_map(PAGE, i % 2 ? PROT_WRITE : 0);
	n = make_crowd(life, LONG_NS);
	if (life == CROWD_ASLEEP)
		spread_crowd(n);
}

void child_exit(void)
{
	grow(CROWD_ASLEEP);
	watch_begin();
	sys_exit(0);
}

void child_invalid_opcode(void)
{
	grow(CROWD_ASLEEP);
	watch_begin();
	__asm__ volatile("ud2");
}

void child_page_fault(void)
{
	grow(CROWD_ASLEEP);
	watch_begin();
	*(volatile char *)USER_END = 0;
}

/* Until it has all the memory that it may have: that is the longest line. As deep as processes can
 * be nested: there that is least, and each limit above is asked. */
void child_limit(void)
{
	char *p = map_memory(1ul << 36, PROT_WRITE);
	long deeper = start_child_if_possible("limit");

	if (deeper > 0) {
		sys_wait((unsigned long)deeper);
		sys_exit(0);
	}
	watch_begin();
	for (p += 1ul << 35; p; p += 4096)
		*p = 1;
}

/* Each of the crowd has to be told, and may be called for by a CPU that idles. */
void worst_fault(void)
{
	sys_wait(start_child("invalid_opcode"));
	watch_end();
	sys_wait(start_child("page_fault"));
	watch_end();
	sys_wait(start_child("limit"));
	watch_end();
}

void child_thread_exit(void)
{
	grow(CROWD_DEAD);
	watch_begin();
	sys_thread_exit();
}

void worst_exit(void)
{
	sys_wait(start_child("exit"));
	watch_end();
}

void worst_thread_exit(void)
{
	sys_wait(start_child("thread_exit"));
	watch_end();
}

/* A long argument, the largest program that is there; a name and an argument that have to be
 * brought in first. */
void worst_spawn(void)
{
	static const char child[] = "irqs_off-child-quit";
	static char arg[ARGUMENT_BYTES];
	struct far_places p = far_places();
	long pid;

	memset(arg, ' ', sizeof(arg));
	memcpy(arg, child, sizeof(child) - 1);
	watch_begin();
	pid = sys_spawn((uintptr_t)"bench", strlen("bench"), (uintptr_t)arg, sizeof(arg));
	sys_spawn(p.a, 16, p.b, sizeof(arg));
	watch_end();
	if (pid < 0)
		sys_exit(1);
	sys_wait((unsigned long)pid);
}

/* The same by each design that this boot runs: one has the most to make, of one the console
 * tells. */
void worst_spawn_with(void)
{
	static const char child[] = "irqs_off-child-quit";

	for (unsigned d = 0; d < DESIGN_COUNT; d++) {
		struct spawn_request r = {
			(uintptr_t)"bench", strlen("bench"), (uintptr_t)child, sizeof(child) - 1, d,
		};
		long pid;

		watch_begin();
		sys_spawn_with(0);
		pid = sys_spawn_with((uintptr_t)&r);
		watch_end();
		if (pid > 0)
			sys_wait((unsigned long)pid);
	}
}

/*
 * As deep as processes can be nested, for what is charged is given back at each level: children
 * end, whoever idles takes them apart, and the end of this process makes orphans of them.
 */
void child_zombies(void)
{
	long deeper = start_child_if_possible("zombies");

	if (deeper < 0)
		sys_exit(TOO_DEEP);
	if (sys_wait((unsigned long)deeper) != TOO_DEEP)
		sys_exit(0);
	watch_begin();			/* with it comes a tick, which ends a sleep */
	for (unsigned i = 0; i < CHILDREN; i++)
		if (start_child_if_possible("quit") < 0)	/* at its limit, for now */
			sys_sleep(IDLE_NS);
	sys_sleep(IDLE_NS);
	sys_exit(0);
}

/* Many have ended since anybody cleared away. Then for one that is not the caller's child. */
void worst_wait(void)
{
	unsigned long pid[CHILDREN];

	for (unsigned i = 0; i < CHILDREN; i++)
		pid[i] = start_child("quit");
	sys_yield();
	watch_begin();
	sys_wait(pid[0]);
	sys_wait(1);
	watch_end();
	sys_wait(start_child("zombies"));
	sys_sleep(IDLE_NS);
	watch_end();
}
