/* SPDX-License-Identifier: MIT */
/* sweep.c - one pair: X is held at each of its instructions while Y runs, and each run is judged. */
#include "races.h"
#include "print.h"
#include "string.h"
#include "sweep.h"
#include "test.h"

#define TICKS_MAX	2000000
#define LEAP_MAX	64
#define ORDERS		3
#define CHECK_EVERY	16		/* runs between two balances; what is lost stays lost */
#define WATCH_HZ	10
#define WATCH_NS	5000000000ul	/* in which there is at least one run */
#define FAULTS_MAX	5		/* that are told of, per pair */

struct sweep {
	struct race r;
	long allowed[ORDERS][2];
	bool rescued;			/* in one of the orders somebody had to be got out of his sleep */
	uint64_t held, total, runs, how[HELD_PANIC + 1];
	uint64_t class, rip;		/* of the last run's NMI */
	unsigned unchecked, faults;
};

static struct sweep s;
static volatile uint64_t all_runs;

/* --- one run, and whether it was right ------------------------------------------------ */

static long plain(const struct call *c, long result)
{
	return c->flags & HANDS_OUT && result > 0 ? 1 : result;
}

static void tell(const char *what)
{
	if (s.faults++ >= FAULTS_MAX)
		return;
	printf("# race: %s, %s, %lu instructions: %s; results %ld, %ld; held at ", s.r.call[0]->name, s.r.call[1]->name,
	       s.r.ticks, what, s.r.result[0], s.r.result[1]);
	race(RACE_SAY, s.rip);
	printf("\n");
}

static void check_balance(void)
{
	const char *wrong;

	settle();
	sys_bench_control(BENCH_SCHED_CHECK, 0);
#ifdef BENCH_CHECK
	if (sys_bench_control(BENCH_CHECK, 0))
		tell("a rule is broken: see above");
#endif
	wrong = balance_check();
	if (wrong)
		tell(wrong);
	s.unchecked = 0;
}

static void run_once(enum order order, uint64_t ticks)
{
	s.r.order = order;
	s.r.ticks = ticks;
	race_run(&s.r);
	s.runs++;
	all_runs++;
	s.class = (uint64_t)race(RACE_LOOK, RACE_LOOK_CLASS);
	s.rip = (uint64_t)race(RACE_LOOK, RACE_LOOK_RIP);
	if (s.r.wrong)
		tell(s.r.wrong);
	for (unsigned part = 0; part < 2; part++)
		s.r.result[part] = plain(s.r.call[part], s.r.result[part]);
	if (++s.unchecked >= CHECK_EVERY)
		check_balance();
}

/* In a process that has come to its end a call's result may never be told. */
static bool same_result(long is, long allowed)
{
	return is == allowed || is == RACE_NO_RESULT;
}

static void judge(void)
{
	bool ends = (s.r.call[0]->flags | s.r.call[1]->flags) & ENDS_PROCESS;

	for (unsigned i = 0; i < ORDERS; i++)
		if (ends ? same_result(s.r.result[0], s.allowed[i][0]) && same_result(s.r.result[1], s.allowed[i][1])
			 : s.r.result[0] == s.allowed[i][0] && s.r.result[1] == s.allowed[i][1])
			return;
	if (!allowed_because(&s.r))
		tell("no order of the two gives these results");
}

static void judge_sleep(void)
{
	if (s.r.rescued && !s.rescued)
		tell("somebody sleeps for ever, and in no order of the two");
}

static void learn_orders(void)
{
	static const enum order orders[ORDERS] = { X_FIRST, Y_FIRST, SWEPT };

	for (unsigned i = 0; i < ORDERS; i++) {
		run_once(orders[i], 0);
		s.allowed[i][0] = s.r.result[0];
		s.allowed[i][1] = s.r.result[1];
		s.rescued |= s.r.rescued;
	}
}

/* --- the sweep ---------------------------------------------------------------------- */

static bool is_idle(void)
{
	return s.class == LANDED_BEFORE || s.class == LANDED_APART;
}

static bool is_end(void)
{
	bool ends = s.r.call[0]->flags & (ENDS_THREAD | ENDS_PROCESS);

	return s.class == LANDED_NOT || s.class == LANDED_BEHIND || (ends && s.class == LANDED_APART);
}

static void shoot(uint64_t ticks)
{
	run_once(SWEPT, ticks);
	judge();
	judge_sleep();
}

/* From @ticks, where X has not begun or sleeps, to the first place behind that where it does not. */
static uint64_t leap(uint64_t ticks)
{
	uint64_t from = ticks, step = 1;

	while (is_idle() && !is_end() && ticks < TICKS_MAX) {
		from = ticks;
		ticks += step;
		step = step < LEAP_MAX ? step * 2 : step;
		shoot(ticks);
	}
	while (ticks - from > 1) {
		uint64_t middle = from + (ticks - from) / 2;

		shoot(middle);
		if (is_idle() && !is_end())
			from = middle;
		else
			ticks = middle;
	}
	shoot(ticks);
	return ticks;
}

/* How many instructions on is the next one? A REP counts once. */
static uint64_t step_on(void)
{
	uint64_t left = (uint64_t)race(RACE_LOOK, RACE_LOOK_LEFT);

	return left > options.stride ? left : options.stride;
}

static void sweep(void)
{
	uint64_t ticks = 1, last = 0;
	bool first = true;

	for (shoot(ticks); !is_end() && ticks < TICKS_MAX && s.faults < FAULTS_MAX; shoot(ticks)) {
		if (is_idle()) {
			ticks = leap(ticks);
			if (is_end())
				break;
		}
		if (s.rip != last) {
			s.total++;
			s.held += race(RACE_LOOK, RACE_LOOK_HOW) != HELD_NOT;
		}
		s.how[race(RACE_LOOK, RACE_LOOK_HOW)]++;
		last = s.rip;
		ticks += step_on() + (first ? options.seed % options.stride : 0);
		first = false;
	}
	if (ticks >= TICKS_MAX)
		tell("it has no end");
}

bool sweep_pair(const struct call *x, const struct call *y)
{
	s = (struct sweep){ .r.call = { x, y } };
	printf("race: %s %s\n", x->name, y->name);
	learn_orders();
	if (options.ticks)
		shoot(options.ticks);
	else
		sweep();
	check_balance();
	printf("RACE %s %s %lu %lu runs %lu done %lu asleep %lu waits %lu\n", x->name, y->name, s.held, s.total, s.runs,
	       s.how[HELD_DONE], s.how[HELD_ASLEEP], s.how[HELD_WAITS]);
	race(RACE_WAITS, 0);
	return !s.faults;
}

bool sweep_hangs(void)
{
	return s.r.wrong && !strcmp(s.r.wrong, "it hangs");
}

void sweep_begin(void)
{
	s = (struct sweep){ .r.call = { call_find("create"), call_find("thread_exit") } };
	learn_orders();			/* the pools are filled by it */
	balance_begin();
	learn_orders();
}


/* Where everybody waits for everybody nothing would ever be said. Time passes at once then. */
void sweep_watch(void *unused)
{
	uint64_t runs = UINT64_MAX;

	(void)unused;
	sys_bench_control(BENCH_TIMER_HZ, WATCH_HZ);
	while (runs != all_runs) {
		runs = all_runs;
		sys_sleep(WATCH_NS);
	}
	printf("# race: %s, %s, %lu instructions: it hangs\n", s.r.call[0]->name, s.r.call[1]->name, s.r.ticks);
	sys_exit(TEST_FAIL);
}
