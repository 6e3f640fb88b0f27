/* SPDX-License-Identifier: MIT */
/*
 * run.c - one run: the two who play, and the one who looks on, starts them, and gets sleepers out of their sleep.
 *
 * Who looks on is the bystander too: his joins and waits must be right whatever the two do.
 */
#include "races.h"
#include "bystander.h"
#include "print.h"
#include "smp.h"
#include "string.h"

#define POLLS_MAX	20000		/* it hangs */
#define CALM		4		/* polls in a row that find a CPU idle: no interrupt is on its way to it */
#define GENTLE		4		/* times that sleepers are woken before harder means are tried */
#define SURVIVED	99		/* exit code of a process that was to be ended, and was not */
#define NOBODY		98		/* and of one whose run went wrong before that */

/* --- the two -------------------------------------------------------------------- */

static long call_it(const struct call *c, const struct arguments *a)
{
	if (!(c->flags & BY_TOUCH))
		return raw_syscall(c->number, a->a, a->b, a->c, a->d);
	*(volatile uint64_t *)a->a = 1;
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

void race_play(struct race *r, unsigned me)
{
	const struct call *c = r->call[me];
	struct arguments a = { 0 };
	long result;

	r->phase[me] = PHASE_BEFORE;
	race(RACE_PART, (uintptr_t)&r->phase[me] | me);
	wait_for(me);
	if (c->prepare)
		c->prepare(r, me, &a);	/* now, for the other's number must be known */
	if (c->fail)
		sys_bench_control(BENCH_FAIL_ALLOC, c->fail | FAIL_ALL);
	if (me == RACE_A)
		race(RACE_ARM, r->ticks);
	r->phase[me] = PHASE_CALL;
	result = call_it(c, &a);
	r->phase[me] = PHASE_BEHIND;
	if (me == RACE_A)
		race(RACE_ARM, 0);
	if (c->fail)
		sys_bench_control(BENCH_FAIL_ALLOC, 0);
	if (c->after)
		result = c->after(r, me, result);
	race(RACE_DONE_A + me, (uint64_t)result);
	wait_for(RACE_OVER);
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

/* --- the one who looks on --------------------------------------------------------- */

static bool in_child(const struct race *r, unsigned part)
{
	return r->call[part]->flags & IN_CHILD;
}

static bool is_gone(unsigned long tid)
{
	struct thread_registers unused;

	return sys_thread_get_registers(tid, (uintptr_t)&unused) == -ESRCH;
}

static long of(long poll, unsigned part)
{
	return part ? poll >> RACE_OF_B : poll;
}

static bool is_still(long poll, unsigned part)
{
	return of(poll, part) & (RACE_DONE | RACE_ASLEEP);
}

static bool is_finished(const struct race *r, long poll, unsigned part)
{
	if (of(poll, part) & RACE_DONE)
		return true;
	if (!(of(poll, part) & RACE_ASLEEP))
		return false;
	return in_child(r, part) ? race(RACE_IS, part) : r->tid[part] && is_gone(r->tid[part]);
}

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

/* Both sleep, or are done, and not both are. */
static void rescue(const struct race *r, long poll, unsigned tries)
{
	if (tries == GENTLE)
		race(RACE_SET, RACE_OVER);	/* whoever is done ends: the other may wait for that */
	for (unsigned part = 0; part < 2; part++) {
		if (of(poll, part) & RACE_DONE || in_child(r, part))
			continue;
		if (tries <= GENTLE)
			wake_part(r, part);
		else
			pull_out(r, part);
	}
}

/* May the second one begin now? In a swept run one that sleeps first is woken: the way from its sleep is swept too. */
static bool second_may(const struct race *r, long poll, unsigned first, unsigned *tries)
{
	if (is_finished(r, poll, first))
		return true;
	if (!is_still(poll, first) || poll & RACE_HOLDS)
		return false;
	if (r->order != SWEPT || poll & RACE_LANDED || *tries == GENTLE)
		return true;
	if (race(RACE_QUIET, CPU_OTHERS)) {
		wake_part(r, first);
		++*tries;
	}
	return false;
}

static struct bystander looker;
static struct bystander_act look;

bool looker_begin(void)
{
	look = (struct bystander_act){
		.action = bystander_syscall, .rax = SYS_bench_control, .rdi = BENCH_RACE + RACE_POLL, .syscall = true,
	};
	return bystander_begin(&looker, CPU_MAIN);
}

/* Without the RACE_ASLEEP of those who have only just gone to sleep, or are about to be woken. */
static long calmed(long poll)
{
	static unsigned calm[2];

	for (unsigned part = 0; part < 2; part++) {
		calm[part] = of(poll, part) & RACE_ASLEEP ? calm[part] + 1 : 0;
		if (calm[part] < CALM)
			poll &= ~((long)RACE_ASLEEP << (part ? RACE_OF_B : 0));
	}
	return poll;
}

/* How do they stand? Once while A is held, every register is looked at besides. */
static long poll_them(struct race *r, bool *looked)
{
	long poll = race(RACE_POLL, 0);

	if (!(poll & RACE_HOLDS) || *looked)
		return calmed(poll);
	*looked = true;
	bystander_act(&looker, &look);
	if (!bystander_unchanged(&looker, &look))
		r->wrong = "a register of the bystander's has changed";
	return calmed((long)look.seen.rax);
}

static bool look_on(struct race *r)
{
	unsigned first = r->order == Y_FIRST ? RACE_B : RACE_A, woken = 0, rescued = 0;
	bool looked = false;

	r->rescued = false;
	race(RACE_SET, first);
	for (unsigned i = 0; i < POLLS_MAX; i++, pause()) {
		long poll = poll_them(r, &looked);

		if (!(poll & RACE_HOLDS) && is_finished(r, poll, 0) && is_finished(r, poll, 1))
			return true;
		if (!race(RACE_IS, 1 - first)) {
			if (second_may(r, poll, first, &woken))
				race(RACE_SET, 1 - first);
		} else if (!(poll & RACE_HOLDS) && is_still(poll, 0) && is_still(poll, 1) &&
			   race(RACE_QUIET, CPU_OTHERS)) {
			rescue(r, poll, rescued++);
			r->rescued = true;
		}
		if (poll & RACE_LANDED && !(poll & RACE_HOLDS))
			sys_yield();	/* a process that a call made may wait for this CPU */
	}
	return false;
}

/* --- one run ---------------------------------------------------------------------- */

static void (*const bodies[])(void *) = { play_a, play_b };

static void start_both(struct race *r)
{
	for (unsigned part = 0; part < 2; part++)
		if (!in_child(r, part))
			r->tid[part] = start_thread(part ? SLOT_B : SLOT_A, bodies[part], r, part ? CPU_B : CPU_A);
	while (!(race(RACE_POLL, 0) & RACE_READY) || !(race(RACE_POLL, 0) & RACE_READY << RACE_OF_B))
		pause();
}

static void end_both(struct race *r)
{
	race(RACE_SET, RACE_OVER);
	for (unsigned part = 0; part < 2; part++)
		sys_thread_resume(r->tid[part]);	/* that the other one has stopped */
	for (unsigned part = 0; part < 2; part++) {
		long error = in_child(r, part) ? 0 : sys_thread_join(r->tid[part]);

		if (error && !(error == -ESRCH && r->call[1 - part]->number == SYS_thread_join))
			r->wrong = "who played cannot be joined";
	}
}

static bool run_here(struct race *r)
{
	unsigned needs = r->call[0]->needs | r->call[1]->needs;

	r->tid[0] = r->tid[1] = 0;
	r->made[0] = r->made[1] = 0;
	r->wrong = NULL;
	world_make(r, needs);
	start_both(r);
	if (!look_on(r)) {
		r->wrong = "it hangs";
		return false;
	}
	for (unsigned part = 0; part < 2; part++)
		r->result[part] = race(RACE_LOOK, part ? RACE_LOOK_B : RACE_LOOK_A);
	end_both(r);
	for (unsigned part = 0; part < 2 && !r->wrong; part++)
		if (r->call[part]->undo)
			r->wrong = r->call[part]->undo(r, part);
	world_end(r, needs);
	return true;
}

/* A process of its own is ended; that we are told of it right is the bystander's business. */
static void run_apart(struct race *r)
{
	char arg[64];
	long status;

	snprintf(arg, sizeof(arg), "inner=%u,%u,%u,%lu", (unsigned)(r->call[0] - calls), (unsigned)(r->call[1] - calls),
		 r->order, r->ticks);
	status = run(PROGRAM, arg);
	r->wrong = NULL;
	if (status == NOBODY)
		r->wrong = "it hangs, or its run went wrong";
	else if (status != EXIT_CODE && status != (WAIT_KILLED | 14))
		r->wrong = "the process ended in another way";
}

void race_run(struct race *r)
{
	race(RACE_NEW, 0);
	if ((r->call[0]->flags | r->call[1]->flags) & ENDS_PROCESS)
		run_apart(r);
	else
		run_here(r);
	while (race(RACE_POLL, 0) & RACE_HOLDS)
		pause();		/* A, which is no more; its CPU reaps */
	for (unsigned part = 0; part < 2; part++)
		r->result[part] = race(RACE_LOOK, part ? RACE_LOOK_B : RACE_LOOK_A);
}

/* --- the same in another process ---------------------------------------------------- */

/* Numbers separated by commas. */
static void parse(const char *s, uint64_t *to, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		to[i] = parse_number(s);
		while (*s && *s != ',')
			s++;
		s += *s == ',';
	}
}

static struct race theirs;

int race_inner(const char *arg)
{
	uint64_t n[4];

	parse(arg, n, 4);
	smp_pin(CPU_MAIN);
	if (!looker_begin())
		return NOBODY;
	theirs.call[0] = &calls[n[0]];
	theirs.call[1] = &calls[n[1]];
	theirs.order = (enum order)n[2];
	theirs.ticks = n[3];
	return run_here(&theirs) && !theirs.wrong ? SURVIVED : NOBODY;
}

int race_player(const char *arg)
{
	uint64_t n[4];

	parse(arg, n, 4);
	theirs.call[0] = &calls[n[1]];
	theirs.call[1] = &calls[n[2]];
	theirs.ticks = n[3];
	smp_pin(n[0] ? CPU_B : CPU_A);
	race_play(&theirs, (unsigned)n[0]);
}
