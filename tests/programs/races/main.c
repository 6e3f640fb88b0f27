/* SPDX-License-Identifier: MIT */
/*
 * main.c - which pairs of calls are swept, and how: what the command line says.
 *
 * Its argument is "races[-<word>...] seed=<n>"; the words:
 *   x<n>, y<n>, z<n>  only call n of tests/programs/races/calls.c as X, as Y, as Z
 *   u<n>        with x<n>: calls up to n as X, each in its turn
 *   <name>      the same by name: the first is X, the second Y, the third Z
 *   third       the triples below, in place of pairs
 *   second      pairs that share two things at least; Y is stopped as well, where it takes or gives
 *               back a lock
 *   p<n>        n pairs only, which the seed chooses
 *   s<n>        at every n-th instruction only, starting with one that the seed chooses
 *   k<n>        only with the NMI after n instructions, to repeat one run
 *   f<n>        from n instructions on
 *   say         one line for each run: where X was held, and what came of it
 *   list        no run: one line for each pair
 */
#include "races.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "sweep.h"
#include "test.h"

struct options options;

/* --- what to do ------------------------------------------------------------------------ */

static bool is_wanted(const struct call *x, const struct call *y)
{
	unsigned both = shared(x, y);

	if (options.only[0] && (x < options.only[0] || x > options.last))
		return false;
	if (options.only[1] && y != options.only[1])
		return false;
	return options.second ? both & (both - 1) : both;
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
			if (act && n >= first && (n - first) % step == 0 &&
			    !act(&calls[x], &calls[y]))
				return n;
			n++;
		}
	return n;
}

/* The third one runs when Y is done, or waits for A, who is held all the while. */
static const struct {
	const char *x, *y, *z;
} triples[] = {
	{ "join", "join_peer", "wake" }, { "join", "stop_peer", "wake" },
	{ "sleep", "stop_peer", "wake_peer" }, { "thread_exit", "join_peer", "create" },
	{ "create", "thread_exit", "join_dead" }, { "spawn", "wait_next", "wait_next" },
	{ "spawn", "wait_next", "spawn_more" }, { "wait", "wait", "child_exit" },
	{ "unmap", "map", "copy64" }, { "copy64", "unmap", "map" }, { "exit", "create", "join" },
	{ "exit", "spawn", "touch" }, { "stop", "resume", "wake" },
	{ "resume", "stop", "set_registers" }, { "expiry", "wake", "stop" },
};

#define TRIPLES (sizeof(triples) / sizeof(triples[0]))

static unsigned reported;
static bool all_good;

static bool report(bool good, const char *x, const char *y, const char *z)
{
	all_good &= good;
	printf("%sok %u - %s-%s%s%s\n", good ? "" : "not ", ++reported, x, y, *z ? "-" : "", z);
	return !sweep_hangs();
}

static bool run_pair(const struct call *x, const struct call *y)
{
	return report(options.second ? sweep_second(x, y) : sweep_calls(x, y, NULL), x->name,
		      y->name, "");
}

static bool run_triple(const char *x, const char *y, const char *z)
{
	return report(sweep_calls(call_find(x), call_find(y), call_find(z)), x, y, z);
}

static void run_triples(void)
{
	printf("1..%zu\n", TRIPLES);
	for (unsigned i = 0; i < TRIPLES; i++)
		if (!run_triple(triples[i].x, triples[i].y, triples[i].z))
			return;
}

static void run_pairs(void)
{
	unsigned all = each_pair(NULL, 0, 1),
		 step = options.pairs && options.pairs < all ? all / options.pairs : 1;
	unsigned first = options.seed % step;

	printf("1..%u\n", all > first ? (all - first + step - 1) / step : 0);
	each_pair(run_pair, first, step);
}

static bool print_pair(const struct call *x, const struct call *y)
{
	printf("RACE pair %s %s\n", x->name, y->name);
	return true;
}

static int run_all(void)
{
	if (race(RACE_BEGIN, 0))
		return TEST_FAIL;
	all_good = true;
	touch_stacks();
	smp_pin(CPU_MAIN);
	if (!start_thread(SLOT_WATCHDOG, sweep_watch, NULL, CPU_OTHERS) || !looker_begin())
		return TEST_FAIL;
	printf("KTAP version 1\n# seed %lu, stride %lu\n", options.seed, options.stride);
	judge_begin();
	if (options.only[2]) {
		printf("1..1\n");
		run_triple(options.only[0]->name, options.only[1]->name, options.only[2]->name);
	} else if (options.third) {
		run_triples();
	} else {
		run_pairs();
	}
	race(RACE_END, 0);
	return all_good && reported ? TEST_PASS : TEST_FAIL;
}

static void parse_word(const char *word)
{
	unsigned part = options.only[1] ? RACE_C : options.only[0] ? RACE_B : RACE_A;
	bool number = word[1] >= '0' && word[1] <= '9';

	if (!strcmp(word, "list"))
		options.list = true;
	else if (!strcmp(word, "say"))
		options.say = true;
	else if (!strcmp(word, "third"))
		options.third = true;
	else if (!strcmp(word, "second"))
		options.second = true;
	else if (number && *word == 's')
		options.stride = parse_number(word + 1);
	else if (number && *word == 'p')
		options.pairs = parse_number(word + 1);
	else if (number && *word == 'f')
		options.from = parse_number(word + 1);
	else if (number && *word == 'k')
		options.ticks = parse_number(word + 1);
	else if (number && *word == 'u')
		options.last = &calls[parse_number(word + 1) % call_count];
	else if (number && *word >= 'x' && *word <= 'z')
		options.only[*word - 'x'] = &calls[parse_number(word + 1) % call_count];
	else
		options.only[part] = call_find(word);
	if (!number && !options.list && !options.say && !options.third && !options.second &&
	    !options.only[part])
		printf("# races: there is no call %s\n", word);
}

/* @arg from after "races" on. */
static void parse(const char *arg)
{
	char word[32] = "";

	options = (struct options){ .stride = 1 };
	while (*arg == '-') {
		size_t n = 0;

		for (arg++; *arg && *arg != ' ' && *arg != '-'; arg++)
			if (n + 1 < sizeof(word))
				word[n++] = *arg;
		word[n] = '\0';
		parse_word(word);
	}
	if (options.last < options.only[0])
		options.last = options.only[0];
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
		printf("# races: %s has no row in tests/programs/races/calls.c\n", call_missing());
		return TEST_FAIL;
	}
	unsigned needed = CPUS_NEEDED + (options.third || options.only[2]);

	if (smp_count() < needed) {
		printf("# races: %u CPUs are needed\n", needed);
		return TEST_FAIL;
	}
	smp_set_timers(0);
	test_each_design("ender", "");
	if (options.list)
		each_pair(print_pair, 0, 1);
	else
		status = run_all();
	smp_set_timers(TIMER_HZ_NORMAL);
	return status;
}
