/* SPDX-License-Identifier: MIT */
/*
 * look.c - the one who looks on, starts those who play, and gets sleepers out of their sleep.
 *
 * Who looks on is the bystander too: joins, waits and registers of that thread must be right
 * whatever the others do.
 */
#include "races.h"
#include "bystander.h"
#include "tests/probe/abi.h"

#define POLLS_MAX	20000		/* it hangs */
#define CALM		4		/* polls in a row that find the same: no interrupt is on
					 * its way to anybody */
#define HARMED		"a register of the bystander's has changed"
#define GENTLE		4	/* times that sleepers are woken before harder means are tried */

static struct bystander looker;
static struct bystander_act look;
static bool is_bystander;

bool looker_begin(void)
{
	look = (struct bystander_act){
		.action = bystander_syscall,
		.rax = SYS_bench_control,
		.rdi = BENCH_RACE + RACE_POLL,
		.syscall = true,
	};
	is_bystander = bystander_begin(&looker, CPU_MAIN);
	return is_bystander;
}

const char *looker_wait(unsigned long pid, long *status)
{
	if (!bystander_call_round(&looker, SYS_wait, pid, status))
		return HARMED;
	return NULL;
}

/* --- how they stand ---------------------------------------------------------------- */

static long of(long poll, unsigned part)
{
	return poll >> part * RACE_SHIFT;
}

/* Until nothing has changed for a while nobody counts as asleep: he may be about to be woken. */
static long calmed(long poll)
{
	static long last;
	static unsigned calm;

	calm = poll == last ? calm + 1 : 0;
	last = poll;
	for (unsigned n = 0; calm < CALM && n < RACE_PARTS; n++)
		poll &= ~((long)RACE_ASLEEP << n * RACE_SHIFT);
	return poll;
}

/* Once while A is held, every register is looked at besides. */
static long poll_them(struct race *r, bool *looked)
{
	long poll = race(RACE_POLL, 0);

	if (!(poll & RACE_HOLDS) || *looked || !is_bystander)
		return calmed(poll);
	*looked = true;
	bystander_act(&looker, &look);
	if (!bystander_unchanged(&looker, &look))
		r->wrong = HARMED;
	return calmed((long)look.seen.rax);
}

static bool is_gone(unsigned long tid)
{
	struct thread_registers unused;

	return sys_thread_get_registers(tid, (uintptr_t)&unused) == -ESRCH;
}

static bool is_still(long poll, unsigned part)
{
	return of(poll, part) & (RACE_CAME_BACK | RACE_ASLEEP);
}

static bool is_finished(const struct race *r, long poll, unsigned part)
{
	if (of(poll, part) & RACE_CAME_BACK)
		return true;
	if (!(of(poll, part) & RACE_ASLEEP))
		return false;
	if (r->call[part]->flags & IN_CHILD)
		return race(RACE_IS, part);
	return r->tid[part] && is_gone(r->tid[part]);
}

static bool are(const struct race *r, long poll, bool finished)
{
	for (unsigned n = 0; n < r->parts; n++)
		if (finished ? !is_finished(r, poll, n) : !is_still(poll, n))
			return false;
	return true;
}

/* --- what can be done for them ------------------------------------------------------- */

static void wake_part(const struct race *r, unsigned part)
{
	sys_thread_resume(r->target);
	sys_wake(r->target);
	sys_thread_resume(r->tid[part]);
	sys_wake(r->tid[part]);
}

/* A wait within the kernel ends when the thread is stopped. */
static void pull_out(const struct race *r, unsigned part)
{
	sys_thread_stop(r->tid[part]);
	sys_thread_resume(r->tid[part]);
}

/* All sleep, or are done, and not all are. */
static void rescue(struct race *r, long poll, unsigned tries)
{
	r->rescued = true;
	if (tries == GENTLE)
		race(RACE_SET, RACE_OVER);	/* whoever is done ends: another may wait for
						 * that */
	for (unsigned n = 0; n < r->parts; n++) {
		if (r->call[n]->flags & IN_CHILD ||
		    (of(poll, n) & RACE_CAME_BACK && tries != GENTLE))
			continue;
		if (tries <= GENTLE)
			wake_part(r, n);
		else
			pull_out(r, n);
	}
}

/* May the one after @before begin? In a swept run one that sleeps first is woken: the way from its
 * sleep is swept too. */
static bool next_may(const struct race *r, long poll, unsigned before, unsigned *tries)
{
	if (is_finished(r, poll, before))
		return true;
	if (!is_still(poll, before) || poll & RACE_HOLDS)
		return false;
	if (!r->order.swept || poll & RACE_LANDED || *tries == GENTLE)
		return true;
	if (race(RACE_QUIET, CPU_OTHERS)) {
		wake_part(r, before);
		++*tries;
	}
	return false;
}

/* Start whose turn it is. How many have begun, of those in order. */
static unsigned start_next(const struct race *r, long poll, unsigned begun, unsigned *tries)
{
	const unsigned char *part = r->order.part;

	while (begun < r->parts && race(RACE_IS, part[begun]))
		begun++;		/* while A was held */
	if (begun == r->parts || (begun && !next_may(r, poll, part[begun - 1], tries)))
		return begun;
	race(RACE_SET, part[begun]);
	return begun + 1;
}

bool look_on(struct race *r)
{
	unsigned begun = 0, woken = 0, rescued = 0;
	bool looked = false;

	r->rescued = false;
	for (unsigned i = 0; i < POLLS_MAX; i++, pause()) {
		long poll = poll_them(r, &looked);

		if (!(poll & RACE_HOLDS) && are(r, poll, true))
			return true;
		if (begun < r->parts)
			begun = start_next(r, poll, begun, &woken);
		else if (!(poll & RACE_HOLDS) && are(r, poll, false) &&
			 race(RACE_QUIET, CPU_OTHERS))
			rescue(r, poll, rescued++);
		if (poll & RACE_LANDED && !(poll & RACE_HOLDS))
			sys_yield();	/* a process that a call made may wait for this CPU */
	}
	return false;
}
