/* SPDX-License-Identifier: MIT */
/* sweep.c - one pair: X is held at each of its instructions while Y runs. */
#include "print.h"
#include "string.h"
#include "sweep.h"
#include "test.h"
#include "tests/probe/abi.h"

#define TICKS_MAX	2000000
#define SLEEP_LEAP	160	/* shorter than the way from one sleep to the next: two switches */
#define PAUSE_LEAP	32	/* and than from one wait for an answer to the next */
#define WATCH_HZ	10
#define WATCH_NS	5000000000ul	/* in which there is at least one run */
#define STOPS_MAX	64		/* places where Y takes locks and gives them back */

/* --- from one instruction to the next --------------------------------------------------- */

static bool is_idle(void)
{
	return sweep.class == LANDED_BEFORE || sweep.class == LANDED_APART;
}

static bool is_end(void)
{
	bool ends = sweep.r.call[sweep.watched]->flags & (ENDS_THREAD | ENDS_PROCESS);

	return sweep.class == LANDED_NOT || sweep.class == LANDED_BEHIND ||
	       (ends && sweep.class == LANDED_APART);
}

/* What is done at each step: a run with the watched part's NMI after so many instructions. */
typedef void shot(uint64_t ticks);

static void shoot_x(uint64_t ticks)
{
	sweep.r.ticks[RACE_A] = ticks;
	judge_run(&order_swept, true);
}

static void shoot_y(uint64_t ticks)
{
	sweep.r.ticks[RACE_B] = ticks;
	judge_run(&order_y_first, false);
}

/* The call has not begun, or sleeps. */
static bool sleeps(void)
{
	return is_idle() && !is_end();
}

static uint64_t pause_rip;

/* It still is after that PAUSE, and others have their turns. */
static bool pauses(void)
{
	return !is_idle() && !is_end() && sweep.rip == pause_rip;
}

/* From @ticks, where the call @stays as it is, to the first place after that where it does not.
 * Places that are @most apart are looked at on the way. */
static uint64_t leap(shot *shoot, uint64_t ticks, bool (*stays)(void), uint64_t most)
{
	uint64_t from = ticks, step = 1;

	while (stays() && ticks < TICKS_MAX && !sweep_hangs()) {
		from = ticks;
		ticks += step;
		step = step * 2 < most ? step * 2 : most;
		shoot(ticks);
	}
	while (ticks - from > 1) {
		uint64_t middle = from + (ticks - from) / 2;

		shoot(middle);
		if (stays())
			from = middle;
		else
			ticks = middle;
	}
	shoot(ticks);
	return ticks;
}

/* How many instructions on is the next one? A REP counts once. */
static uint64_t step_on(uint64_t stride)
{
	uint64_t left = (uint64_t)race(RACE_LOOK, RACE_LOOK_LEFT | sweep.watched << 8);

	return left > stride ? left : stride;
}

static bool is_over(uint64_t ticks)
{
	return is_end() || ticks >= TICKS_MAX || sweep.faults >= FAULTS_MAX || sweep_hangs();
}

/* The next place from @ticks on that is looked at. A way that was longer than usual, by a REP,
 * may end before it: then that REP is gone through bit by bit. */
static uint64_t advance(shot *shoot, uint64_t ticks, uint64_t stride)
{
	uint64_t step = step_on(stride);

	if (race(RACE_LOOK, RACE_LOOK_PAUSES | sweep.watched << 8)) {
		pause_rip = sweep.rip;
		return leap(shoot, ticks, pauses, PAUSE_LEAP);
	}
	shoot(ticks + step);
	if (step > stride && is_end())
		shoot(ticks + (step = stride));
	return ticks + step;
}

/* Every @stride-th instruction of the watched part's call: @shoot, then @note. */
static void walk(shot *shoot, void (*note)(uint64_t ticks, bool fresh), uint64_t stride)
{
	uint64_t ticks = options.from + !options.from, last = 0;

	shoot(ticks);
	if (is_idle())
		ticks = leap(shoot, ticks, sleeps, SLEEP_LEAP) + options.seed % stride;
	if (options.seed % stride)
		shoot(ticks);
	while (!is_over(ticks)) {
		/* Perhaps still: a run may be some instructions longer than the one before. */
		if (is_idle()) {
			ticks = leap(shoot, ticks, sleeps, SLEEP_LEAP);
			continue;
		}
		note(ticks, sweep.rip != last);
		last = sweep.rip;
		ticks = advance(shoot, ticks, stride);
	}
}

/* --- one stop ---------------------------------------------------------------------------- */

static void note_held(uint64_t ticks, bool fresh)
{
	uint64_t how = (uint64_t)race(RACE_LOOK, RACE_LOOK_HOW);

	(void)ticks;
	if (fresh) {
		sweep.total++;
		sweep.held += how != HELD_NOT;
	}
	sweep.how[how]++;
}

static const char *name_of(unsigned part)
{
	const struct call *c = sweep.r.call[part];

	return c ? c->name : "";
}

static void begin(const struct call *x, const struct call *y, const struct call *z)
{
	sweep = (struct sweep){ .r = { .parts = z ? 3 : 2, .call = { x, y, z } } };
	printf("race: %s %s %s\n", name_of(RACE_A), name_of(RACE_B), name_of(RACE_C));
	judge_orders();
}

static bool end(const char *what)
{
	if (!sweep_hangs())
		judge_balance();
	printf("RACE %s%s %s%s%s %lu %lu runs %lu done %lu asleep %lu waits %lu\n", what,
	       name_of(0), name_of(1), sweep.r.parts > 2 ? " " : "", name_of(2), sweep.held,
	       sweep.total, sweep.runs, sweep.how[HELD_DONE], sweep.how[HELD_ASLEEP],
	       sweep.how[HELD_WAITS]);
	race(RACE_WAITS, 0);
	return !sweep.faults;
}

bool sweep_calls(const struct call *x, const struct call *y, const struct call *z)
{
	begin(x, y, z);
	if (options.ticks)
		shoot_x(options.ticks);
	else
		walk(shoot_x, note_held, options.stride);
	return end(z ? "third " : "");
}

/* --- two stops ---------------------------------------------------------------------------- */

static uint64_t stops[STOPS_MAX];
static unsigned stop_count;

static void note_stop(uint64_t ticks, bool fresh)
{
	if (!fresh || !race(RACE_LOOK, RACE_LOOK_LOCKS | sweep.watched << 8))
		return;
	for (uint64_t at = ticks; at <= ticks + 1 && stop_count < STOPS_MAX; at++)
		stops[stop_count++] = at;	/* before, and after */
}

bool sweep_second(const struct call *x, const struct call *y)
{
	stop_count = 0;
	begin(x, y, NULL);
	sweep.watched = RACE_B;
	walk(shoot_y, note_stop, 1);
	sweep.watched = RACE_A;
	for (unsigned i = 0; i < stop_count && sweep.faults < FAULTS_MAX; i++) {
		sweep.r.ticks[RACE_B] = stops[i];
		walk(shoot_x, note_held, options.stride);
	}
	printf("RACE stops %u stopped %lu\n", stop_count, sweep.how[HELD_STOPPED]);
	return end("second ");
}

/* --- that do not end ------------------------------------------------------------------------ */

bool sweep_hangs(void)
{
	return sweep.r.wrong && !strcmp(sweep.r.wrong, HANGS);
}

/* Where everybody waits for everybody nothing would ever be said. Time passes at once then. */
void sweep_watch(void *unused)
{
	uint64_t runs = UINT64_MAX, pair = 0;

	(void)unused;
	sys_bench_control(BENCH_TIMER_HZ, WATCH_HZ);
	while (runs != *(volatile uint64_t *)&sweep.runs || pair != (uintptr_t)sweep.r.call[1]) {
		runs = *(volatile uint64_t *)&sweep.runs;
		pair = (uintptr_t)sweep.r.call[1];
		sys_sleep(WATCH_NS);
	}
	printf("# race: %s, %s, %lu and %lu instructions: it hangs\n", name_of(0), name_of(1),
	       sweep.r.ticks[0], sweep.r.ticks[1]);
	sys_exit(TEST_FAIL);
}
