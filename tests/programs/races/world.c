/* SPDX-License-Identifier: MIT */
/* world.c - what the calls act on: a thread T, a region, a child; made before a run, and taken away
 * after it. */
#include "races.h"
#include "print.h"
#include "smp.h"

#define STACK_SIZE 0x4000
#define CHILD_TURNS 60			/* of a child that ends soon: longer than two calls take */

static char stacks[SLOTS][STACK_SIZE] __attribute__((aligned(16)));

unsigned long start_thread(unsigned slot, void (*body)(void *), void *arg, unsigned cpu)
{
	long tid = sys_thread_create((uintptr_t)body, (uintptr_t)&stacks[slot][STACK_SIZE] - 8,
				     (uintptr_t)arg);

	if (tid > 0)
		sys_set_affinity((unsigned long)tid, 1ul << cpu);
	return tid > 0 ? (unsigned long)tid : 0;
}

void touch_stacks(void)
{
	for (unsigned slot = 0; slot < SLOTS; slot++)
		for (unsigned at = 0; at < STACK_SIZE; at += PAGE)
			((volatile char *)stacks[slot])[at] = 0;
	*(volatile char *)&stacks[SLOTS - 1][STACK_SIZE - 1] = 0;
}

/* First those that wait for this CPU. */
void settle(void)
{
	sys_yield();
	for (unsigned cpu = 0; cpu < smp_count(); cpu++)
		while (cpu != CPU_MAIN && !race(RACE_QUIET, cpu)) {
			sys_yield();
			pause();
		}
}

static void sleep_once(void *timeout)
{
	sys_sleep((uintptr_t)timeout);
	sys_thread_exit();
}

static void sleep_on(void *timeout)
{
	sys_sleep((uintptr_t)timeout);
	while (!race(RACE_IS, RACE_OVER)) {
		sys_sleep(0);
		pause();
	}
	sys_thread_exit();
}

static void make_target(struct race *r, unsigned needs)
{
	void (*body)(void *) = needs & (NEEDS_ENDING | NEEDS_DEAD) ? sleep_once : sleep_on;
	bool timed = needs & NEEDS_TIMED;

	r->target = start_thread(SLOT_TARGET, body, (void *)(uintptr_t)timed,
				 timed ? CPU_A : CPU_OTHERS);
	settle();
	if (needs & NEEDS_DEAD) {
		sys_wake(r->target);
		settle();
	} else if (needs & NEEDS_STOPPED) {
		sys_thread_stop(r->target);
	}
}

static void make_region(struct race *r, unsigned needs)
{
	r->region = map_memory(REGION_PAGES * PAGE, PROT_WRITE);
	if (needs & NEEDS_EMPTY)
		return;
	*(volatile uint64_t *)r->region = REGION_WORD;
	*(volatile uint64_t *)(r->region + (REGION_PAGES - 1) * PAGE) = REGION_WORD;
}

static void make_child(struct race *r, unsigned needs)
{
	char arg[64] = "";

	if (needs & NEEDS_PLAYER)
		race_print(r, arg, sizeof(arg), "player");
	else if (needs & NEEDS_CHILD)
		snprintf(arg, sizeof(arg), "%u,%u", CPU_OTHERS, CHILD_TURNS);
	r->child = (unsigned long)spawn(needs & NEEDS_PLAYER ? PROGRAM : "ender", arg);
	if (needs & (NEEDS_PLAYER | NEEDS_CHILD))
		sys_yield();		/* it goes where it belongs */
	else
		settle();
}

void world_make(struct race *r, unsigned needs)
{
	long pid;

	r->target = r->child = r->next_pid = 0;
	r->region = NULL;
	if (needs & (NEEDS_TARGET | NEEDS_TIMED | NEEDS_STOPPED | NEEDS_DEAD))
		make_target(r, needs);
	if (needs & NEEDS_REGION)
		make_region(r, needs);
	if (needs & NEEDS_NEXT_PID && !(needs & (NEEDS_ZOMBIE | NEEDS_CHILD | NEEDS_PLAYER))) {
		pid = spawn("ender", "");
		sys_wait((unsigned long)pid);
		r->next_pid = (unsigned long)pid + 1;
	}
	if (needs & (NEEDS_ZOMBIE | NEEDS_CHILD | NEEDS_PLAYER))
		make_child(r, needs);
	if (needs & NEEDS_NEXT_PID && r->child)
		r->next_pid = r->child + 1;
}

/* --- afterwards ----------------------------------------------------------------- */

static void end_target(struct race *r)
{
	long error;

	sys_thread_resume(r->target);
	sys_wake(r->target);
	error = sys_thread_join(r->target);
	if (error && error != -ESRCH)
		r->wrong = "T cannot be joined";
	if (error == -ESRCH && !race_did(r, SYS_thread_join, 0, false))
		r->wrong = "T is gone, and nobody has joined it";
}

/* A page that was there keeps what it held until it is unmapped. */
static void end_region(struct race *r, unsigned needs)
{
	bool gone = race_did(r, SYS_unmap, 0, false);
	bool cut = needs & NEEDS_EMPTY || race_did(r, SYS_unmap, -EINTR, false);
	long error;

	if (!gone && !cut && *(volatile uint64_t *)r->region != REGION_WORD)
		r->wrong = "a page of the region has lost its contents";
	error = sys_unmap((uintptr_t)r->region, REGION_PAGES * PAGE);
	if (error != (gone ? -EINVAL : 0))
		r->wrong = gone ? "the region was unmapped, and is there" :
				  "the region cannot be unmapped";
}

static void end_child(struct race *r)
{
	long status = sys_wait(r->child);
	bool told = race_did(r, SYS_wait, 0, true);

	if (status == -ECHILD ? !told : status != 0 && status != EXIT_CODE)
		r->wrong = "a wrong end of the child was told";
}

void world_end(struct race *r, unsigned needs)
{
	if (r->target)
		end_target(r);
	if (needs & NEEDS_REGION)
		end_region(r, needs);
	if (r->child)
		end_child(r);
}
