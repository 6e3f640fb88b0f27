/* SPDX-License-Identifier: MIT */
/*
 * main.c - for each pair of calls that share something: X is held at each of its instructions while Y runs.
 *
 * Its argument is "races[-<word>...] seed=<n>"; the words:
 *   x<n>, y<n>  only call n of user/races/calls.c as X, as Y
 *   <name>      the same by name: the first is X, the second Y
 *   p<n>        n pairs only, which the seed chooses
 *   s<n>        at every n-th instruction only, starting with one that the seed chooses
 *   k<n>        only with the NMI after n instructions, to repeat one run
 *   list        no run: one line for each pair
 */
#include "races.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"

#define TICKS_MAX	2000000
#define LEAP_MAX	64
#define ORDERS		3
#define CHECK_EVERY	16		/* runs between two balances; what is lost stays lost */
#define WATCH_HZ	10
#define WATCH_NS	5000000000ul	/* in which there is at least one run */
#define FAULTS_MAX	5		/* that are told of, per pair */

static struct options {
	const struct call *only[2];
	uint64_t stride, seed, ticks, pairs;
	bool list;
} options;

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

static bool run_pair(const struct call *x, const struct call *y)
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

/* --- what to do ------------------------------------------------------------------------ */

static bool is_wanted(const struct call *x, const struct call *y)
{
	return (!options.only[0] || x == options.only[0]) && (!options.only[1] || y == options.only[1]) && shared(x, y);
}

typedef bool pair_visitor(const struct call *x, const struct call *y);

/* Call @act for every @step-th pair that is wanted, from number @first on. How many are wanted. */
static unsigned each_pair(pair_visitor *act, unsigned first, unsigned step)
{
	unsigned n = 0;

	for (unsigned x = 0; x < call_count; x++)
		for (unsigned y = 0; y < call_count; y++) {
			if (!is_wanted(&calls[x], &calls[y]))
				continue;
			if (act && n >= first && (n - first) % step == 0 && !act(&calls[x], &calls[y]))
				return n;
			n++;
		}
	return n;
}

static bool print_pair(const struct call *x, const struct call *y)
{
	printf("RACE pair %s %s\n", x->name, y->name);
	return true;
}

static unsigned reported;
static bool all_good;

static bool run_and_report(const struct call *x, const struct call *y)
{
	bool good = run_pair(x, y);

	all_good &= good;
	printf("%sok %u - %s-%s\n", good ? "" : "not ", ++reported, x->name, y->name);
	return !s.r.wrong || strcmp(s.r.wrong, "it hangs");
}

/* Where everybody waits for everybody nothing would ever be said. Time passes at once then. */
static void watch_over(void *unused)
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

static int run_all(void)
{
	unsigned all = each_pair(NULL, 0, 1), step = options.pairs && options.pairs < all ? all / options.pairs : 1;
	unsigned first = options.seed % step;

	printf("KTAP version 1\n# seed %lu, stride %lu\n1..%u\n", options.seed, options.stride,
	       all > first ? (all - first + step - 1) / step : 0);
	if (race(RACE_BEGIN, 0))
		return TEST_FAIL;
	all_good = true;
	touch_stacks();
	smp_pin(CPU_MAIN);
	if (!start_thread(SLOT_WATCHDOG, watch_over, NULL, CPU_OTHERS))
		return TEST_FAIL;
	s = (struct sweep){ .r.call = { call_find("create"), call_find("thread_exit") } };
	learn_orders();			/* the pools are filled by it */
	balance_begin();
	learn_orders();
	each_pair(run_and_report, first, step);
	race(RACE_END, 0);
	return all_good && reported ? TEST_PASS : TEST_FAIL;
}

static void parse_word(const char *word)
{
	unsigned part = options.only[0] ? 1 : 0;
	bool number = word[1] >= '0' && word[1] <= '9';

	if (!strcmp(word, "list"))
		options.list = true;
	else if (number && *word == 's')
		options.stride = parse_number(word + 1);
	else if (number && *word == 'p')
		options.pairs = parse_number(word + 1);
	else if (number && *word == 'k')
		options.ticks = parse_number(word + 1);
	else if (number && (*word == 'x' || *word == 'y'))
		options.only[*word - 'x'] = &calls[parse_number(word + 1) % call_count];
	else
		options.only[part] = call_find(word);
	if (part < 2 && !number && !options.list && !options.only[part])
		printf("# races: there is no call %s\n", word);
}

/* @arg from behind "races" on. */
static void parse(const char *arg)
{
	char word[32];

	options = (struct options){ .stride = 1 };
	while (*arg == '-') {
		size_t n = 0;

		for (arg++; *arg && *arg != ' ' && *arg != '-'; arg++)
			if (n + 1 < sizeof(word))
				word[n++] = *arg;
		word[n] = '\0';
		parse_word(word);
	}
	options.seed = test_seed(*arg ? arg + 1 : arg);
	options.stride += !options.stride;
}

int main(const char *arg, size_t len)
{
	int status = TEST_PASS;

	(void)len;
	if (starts_with(arg, "inner="))
		return race_inner(arg + strlen("inner="));
	if (starts_with(arg, "player="))
		return race_player(arg + strlen("player="));
	parse(arg + strlen("races"));
	if (call_missing()) {
		printf("# races: %s has no row in user/races/calls.c\n", call_missing());
		return TEST_FAIL;
	}
	if (smp_count() < CPUS_NEEDED) {
		printf("# races: %u CPUs are needed\n", CPUS_NEEDED);
		return TEST_FAIL;
	}
	smp_set_timers(0);
	if (options.list)
		each_pair(print_pair, 0, 1);
	else
		status = run_all();
	smp_set_timers(TIMER_HZ_NORMAL);
	return status;
}
