/* SPDX-License-Identifier: MIT */
/* judge.c - one run, and whether it was right: results, sleepers, balances, rules. */
#include "print.h"
#include "string.h"
#include "sweep.h"
#include "tests/probe/abi.h"

#define CHECK_EVERY	16		/* runs between two balances; what is lost stays lost */
#define PAIR_ORDERS	2
#define ALL_ORDERS	6

struct sweep sweep;

const struct order order_swept = { { RACE_A, RACE_B, RACE_C }, true };
const struct order order_y_first = { { RACE_B, RACE_A, RACE_C }, false };

/* Of two calls: the first two. */
static const struct order orders[ALL_ORDERS] = {
	{ { RACE_A, RACE_B, RACE_C }, false },
	{ { RACE_B, RACE_A, RACE_C }, false },
	{ { RACE_A, RACE_C, RACE_B }, false },
	{ { RACE_B, RACE_C, RACE_A }, false },
	{ { RACE_C, RACE_A, RACE_B }, false },
	{ { RACE_C, RACE_B, RACE_A }, false },
};

static void tell(const char *what)
{
	const struct race *r = &sweep.r;

	if (sweep.faults++ >= FAULTS_MAX)
		return;
	printf("# race: %s, %s%s%s, %lu and %lu instructions: %s; results %ld, %ld, %ld; held at ",
	       r->call[0]->name, r->call[1]->name, r->parts > 2 ? ", " : "",
	       r->parts > 2 ? r->call[2]->name : "", r->ticks[0], r->ticks[1], what, r->result[0],
	       r->result[1], r->parts > 2 ? r->result[2] : 0);
	race(RACE_SAY, sweep.rip);
	printf("\n");
}

void judge_balance(void)
{
	const char *wrong;

	settle();
	sys_bench_control(BENCH_SCHED_CHECK, 0);
	if (sys_bench_control(BENCH_CHECK, 0))
		tell("a rule is broken: see above");
	wrong = balance_check();
	if (wrong)
		tell(wrong);
	sweep.unchecked = 0;
}

static long plain(const struct call *c, long result)
{
	return c->flags & HANDS_OUT && result > 0 ? 1 : result;
}

/* In a process that has come to its end a call's result may never be told. */
static bool same_result(long is, long allowed, bool ends)
{
	return is == allowed || (ends && is == RACE_NO_RESULT);
}

static bool is_allowed(const struct race *r, const long *allowed)
{
	bool ends = false, same = true;

	for (unsigned n = 0; n < r->parts; n++)
		ends |= (r->call[n]->flags & ENDS_PROCESS) != 0;
	for (unsigned n = 0; n < r->parts; n++)
		same &= same_result(r->result[n], allowed[n], ends) || allowed_because(r, n);
	return same;
}

static void judge_results(void)
{
	bool right = false;

	for (unsigned i = 0; i < sweep.orders; i++)
		right |= is_allowed(&sweep.r, sweep.allowed[i]);
	if (!right)
		tell("no order of them gives these results");
	if (sweep.r.rescued && !sweep.rescued)
		tell("somebody sleeps for ever, and in no order of them");
}

static void say(void)
{
	const struct race *r = &sweep.r;

	printf("# %lu and %lu instructions: results %ld, %ld, %ld%s, how %ld, at ", r->ticks[0],
	       r->ticks[1], r->result[0], r->result[1], r->parts > 2 ? r->result[2] : 0,
	       r->rescued ? ", rescued" : "", race(RACE_LOOK, RACE_LOOK_HOW));
	race(RACE_SAY, sweep.rip);
	printf("\n");
}

void judge_run(const struct order *order, bool judged)
{
	struct race *r = &sweep.r;

	r->order = *order;
	race_run(r);
	sweep.runs++;
	sweep.class = (uint64_t)race(RACE_LOOK, RACE_LOOK_CLASS | sweep.watched << 8);
	sweep.rip = (uint64_t)race(RACE_LOOK, RACE_LOOK_RIP | sweep.watched << 8);
	if (options.say)
		say();
	if (r->wrong)
		tell(r->wrong);
	for (unsigned n = 0; n < r->parts; n++)
		r->result[n] = plain(r->call[n], r->result[n]);
	if (sweep_hangs())
		return;			/* nothing can be made of it any more */
	if (judged)
		judge_results();
	if (++sweep.unchecked >= CHECK_EVERY)
		judge_balance();
}

static void learn(const struct order *order)
{
	judge_run(order, false);
	for (unsigned n = 0; n < sweep.r.parts; n++)
		sweep.allowed[sweep.orders][n] = sweep.r.result[n];
	sweep.orders++;
	sweep.rescued |= sweep.r.rescued;
}

void judge_orders(void)
{
	unsigned count = sweep.r.parts > 2 ? ALL_ORDERS : PAIR_ORDERS;

	sweep.r.ticks[0] = sweep.r.ticks[1] = 0;
	sweep.orders = 0;
	sweep.rescued = false;
	for (unsigned i = 0; i < count; i++)
		learn(&orders[i]);
	learn(&order_swept);
}

/* A first run fills the kernel's pools. */
void judge_begin(void)
{
	sweep = (struct sweep){
		.r = { .parts = 2, .call = { call_find("create"), call_find("thread_exit") } }
	};
	judge_orders();
	balance_begin();
	judge_orders();
}
