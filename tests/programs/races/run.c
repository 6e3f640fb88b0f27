/* SPDX-License-Identifier: MIT */
/*
 * run.c - one run: those who play, and the process that it happens in.
 *
 * A call that ends its process is made in one that is started for it; a part may be a child's.
 */
#include "races.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "tests/probe/abi.h"

#define SURVIVED	99	/* exit code of a process that was to be ended, and was not */
#define NOBODY		98		/* and of one whose run went wrong before that */
#define NUMBERS		10		/* of a race, as an argument */

/* --- who plays ------------------------------------------------------------------- */

static long call_it(const struct call *c, const struct arguments *a)
{
	if (!(c->flags & BY_TOUCH))
		return raw_syscall(c->number, a->a, a->b, a->c, a->d);
	__asm__ volatile("movq $1, (%0)" : : "r"(a->a) : "memory");
	return 0;
}

/* There is no tick: whoever else is to run on this CPU does so now. */
static void wait_for(unsigned flag)
{
	while (!race(RACE_IS, flag)) {
		sys_yield();
		pause();
	}
}

/* The NMI's instructions count from the second line on. */
static long make_call(struct race *r, unsigned me, const struct arguments *a)
{
	uint64_t ticks = me <= RACE_B ? r->ticks[me] : 0;
	long result;

	if (r->call[me]->fail)
		sys_bench_control(BENCH_FAIL_ALLOC, r->call[me]->fail | FAIL_ALL);
	if (ticks)
		race(RACE_ARM, ticks);
	r->phase[me] = PHASE_CALL;
	result = call_it(r->call[me], a);
	r->phase[me] = PHASE_BEHIND;
	if (ticks)
		race(RACE_ARM, 0);
	if (r->call[me]->fail)
		sys_bench_control(BENCH_FAIL_ALLOC, 0);
	return result;
}

void race_play(struct race *r, unsigned me)
{
	const struct call *c = r->call[me];
	struct arguments a = { 0 };
	long result;

	r->phase[me] = PHASE_BEFORE;
	race(RACE_PART, (uintptr_t)&r->phase[me] | me);
	wait_for(me);
	if (c->prepare)
		c->prepare(r, me, &a);	/* now, for the others' numbers must be known */
	result = make_call(r, me, &a);
	if (c->after)
		result = c->after(r, me, result);
	race(RACE_DONE, (uint64_t)result);
	while (!race(RACE_IS, RACE_OVER)) {
		sys_sleep(0);		/* so that its CPU idles, and frees the dead */
		pause();		/* who is about to be stopped does not sleep */
	}
	sys_thread_exit();
	__builtin_unreachable();
}

static void play_a(void *r)
{
	race_play(r, RACE_A);
}

static void play_b(void *r)
{
	race_play(r, RACE_B);
}

static void play_c(void *r)
{
	race_play(r, RACE_C);
}

/* --- one run ---------------------------------------------------------------------- */

static const struct {
	void (*body)(void *);
	unsigned slot, cpu;
} places[RACE_PARTS] = { { play_a, SLOT_A, CPU_A },
			 { play_b, SLOT_B, CPU_B },
			 { play_c, SLOT_C, CPU_C } };

static bool in_child(const struct race *r, unsigned part)
{
	return r->call[part]->flags & IN_CHILD;
}

static void start_all(struct race *r)
{
	for (unsigned n = 0; n < r->parts; n++)
		if (!in_child(r, n))
			r->tid[n] = start_thread(places[n].slot, places[n].body, r, places[n].cpu);
	for (unsigned n = 0; n < r->parts; n++)
		while (!(race(RACE_POLL, 0) & RACE_READY << n * RACE_SHIFT))
			pause();
}

static void end_all(struct race *r)
{
	race(RACE_SET, RACE_OVER);
	for (unsigned n = 0; n < r->parts; n++) {
		sys_thread_resume(r->tid[n]);	/* that another has stopped */
		sys_wake(r->tid[n]);
	}
	for (unsigned n = 0; n < r->parts; n++) {
		long error = in_child(r, n) ? 0 : sys_thread_join(r->tid[n]);

		if (error && !(error == -ESRCH && race_did(r, SYS_thread_join, 0, false)))
			r->wrong = "who played cannot be joined";
	}
}

bool race_did(const struct race *r, unsigned number, long result, bool not_negative)
{
	for (unsigned n = 0; n < r->parts; n++)
		if (r->call[n]->number == number &&
		    (r->result[n] == result || (not_negative && r->result[n] >= 0)))
			return true;
	return false;
}

bool race_fails(const struct race *r)
{
	for (unsigned n = 0; n < r->parts; n++)
		if (r->call[n]->fail)
			return true;
	return false;
}

static void take_results(struct race *r)
{
	for (unsigned n = 0; n < r->parts; n++)
		r->result[n] = race(RACE_LOOK, RACE_LOOK_RESULT | n << 8);
}

static bool run_here(struct race *r)
{
	unsigned needs = 0;

	for (unsigned n = 0; n < r->parts; n++) {
		needs |= r->call[n]->needs;
		r->tid[n] = 0;
		r->made[n] = 0;
	}
	r->wrong = NULL;
	world_make(r, needs);
	start_all(r);
	if (!look_on(r)) {
		r->wrong = HANGS;
		return false;
	}
	take_results(r);
	end_all(r);
	for (unsigned n = 0; n < r->parts && !r->wrong; n++)
		if (r->call[n]->undo)
			r->wrong = r->call[n]->undo(r, n);
	world_end(r, needs);
	return true;
}

/* A process of its own is ended. That we are told of it right, and keep our registers meanwhile, is
 * the bystander's business: it has none of its own, for each run makes it anew. */
static void run_apart(struct race *r)
{
	const char *harm;
	char arg[96];
	long status;

	race_print(r, arg, sizeof(arg), "inner");
	harm = looker_wait((unsigned long)spawn(PROGRAM, arg), &status);
	for (unsigned flag = 0; flag <= RACE_OVER; flag++)
		race(RACE_SET, flag);	/* a child of that process may still wait for its turn */
	settle();
	r->rescued = false;
	r->wrong = harm;
	if (status == NOBODY)
		r->wrong = "it hangs, or its run went wrong";
	else if (status != EXIT_CODE && status != (WAIT_KILLED | 14))
		r->wrong = "the process ended in another way";
}

static bool ends_process(const struct race *r)
{
	for (unsigned n = 0; n < r->parts; n++)
		if (r->call[n]->flags & ENDS_PROCESS)
			return true;
	return false;
}

void race_run(struct race *r)
{
	race(RACE_NEW, 0);
	if (ends_process(r))
		run_apart(r);
	else
		run_here(r);
	while (race(RACE_POLL, 0) & RACE_HOLDS)
		pause();		/* A, which is no more; its CPU reaps */
	take_results(r);
}

/* --- the same in another process ---------------------------------------------------- */

static unsigned index_of(const struct race *r, unsigned n)
{
	return n < r->parts ? (unsigned)(r->call[n] - calls) : 0;
}

void race_print(const struct race *r, char *buf, size_t size, const char *who)
{
	unsigned player = 0;

	while (player + 1 < r->parts && !in_child(r, player))
		player++;
	snprintf(buf, size, "%s=%u,%u,%u,%u,%u,%u,%u,%u,%lu,%lu", who, player, r->parts,
		 index_of(r, 0), index_of(r, 1), index_of(r, 2),
		 r->order.part[0] | r->order.part[1] << 4, r->order.part[2], r->order.swept,
		 r->ticks[0], r->ticks[1]);
}

static struct race theirs;

/* What race_print() has written after the "=". Which part is a child's. */
static unsigned parse(const char *s)
{
	uint64_t n[NUMBERS];

	for (unsigned i = 0; i < NUMBERS; i++) {
		n[i] = parse_number(s);
		while (*s && *s != ',')
			s++;
		s += *s == ',';
	}
	theirs = (struct race){
		.parts = (unsigned)n[1],
		.call = { &calls[n[2]], &calls[n[3]], &calls[n[4]] },
		.order = { { n[5] & 0xf, n[5] >> 4 & 0xf, n[6] & 0xf }, n[7] },
		.ticks = { n[8], n[9] },
	};
	return (unsigned)n[0];
}

int race_inner(const char *arg)
{
	parse(arg);
	smp_pin(CPU_MAIN);
	return run_here(&theirs) && !theirs.wrong ? SURVIVED : NOBODY;
}

int race_player(const char *arg)
{
	unsigned part = parse(arg);

	smp_pin(places[part].cpu);
	race_play(&theirs, part);
}
