/* SPDX-License-Identifier: MIT */
/*
 * main.c - an entry path under fire: at each instruction in turn, an NMI, then a breakpoint.
 *
 * For each path: it is taken again and again, and each time the NMI comes one instruction later,
 * until it comes too late to meet it.  Then a breakpoint is set on each instruction of entry text
 * that an NMI has seen on that path.  Every register, the operation's result and the kernel's own
 * registers are checked each time.
 *
 * Its argument is "fire[-<word>...] seed=<n>"; the words:
 *   nmi, db, held  these only: NMIs by the timer, breakpoints, NMIs held back until a breakpoint
 *                  (without nmi the
 *              other two try every byte of entry text, for no NMI has shown the way)
 *   trace      nothing comes: for the host's instruction log, between fire_start() and
 *              fire_disarm()
 *   mc         nothing comes from here: all paths, until <number> machine checks have come from the
 *              host
 *   own        breakpoints, and NMIs held back until one, in the design's own entry text only, not
 *              in what it shares with its kind
 *   <number>   NMIs by the timer at every n-th instruction only, starting with one that the seed
 *              chooses
 *   <path>     this path only
 *   v<number>  this operand of paths that have several: the vector, for stubs
 */
#include "designs.h"
#include "fire.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "tests/probe/abi.h"

#define SWEEP_MAX	100000		/* instructions: no path is that long */
#define STUB_SIZE	16		/* ENTRY_STUB_SIZE of entry/design.h */

struct options {
	bool nmi, db, held, trace, mc, own;
	uint64_t first, last;		/* operands */
	uint64_t stride, seed;
	char path[32];
};
static struct options options;
static const char *const kinds[] = { [FIRE_NMI] = "nmi", [FIRE_DB] = "db", [FIRE_HELD] = "held" };

static bool overdue(long events)
{
	return events == 0;
}

static uint64_t first_operand(const struct path *p)
{
	return p->operands ? options.first : 0;
}

static uint64_t last_operand(const struct path *p)
{
	if (!p->operands)
		return 0;
	return options.last < p->operands ? options.last : p->operands - 1;
}

/* Once through @p, armed with @value. Events that came, or negative. */
static long shoot(const struct path *p, struct shot *s, uint64_t value)
{
	long events;

	s->value = value;
	s->good = true;
	if (p->prepare && !p->prepare(s)) {
		printf("# fire: %s cannot be prepared\n", p->name);
		return -EINVAL;
	}
	events = fire(p->flags & LATE ? FIRE_ARM_LATER : FIRE_ARM, value);
	if (events < 0)
		return events;
	p->act(s);
	events = fire(FIRE_DISARM, 0);
	if (s->act.action)
		s->good = bystander_unchanged(s->b, &s->act) && s->good;
	if (s->good && (!p->check || p->check(s)))
		return events;
	printf("# fire: %s went wrong, armed with %lu\n", p->name, value);
	return -EINVAL;
}

/* --- the sweeps -------------------------------------------------------------- */

static bool sweep_nmi(const struct path *p, struct shot *s, uint64_t *shots)
{
	uint64_t at = 1 + options.seed % options.stride;
	long events = 1;

	for (; at < SWEEP_MAX && !overdue(events); at += options.stride, ++*shots) {
		events = shoot(p, s, at);
		if (events < 0)
			return false;
	}
	return at < SWEEP_MAX;
}

/* The next offset for a breakpoint not below @at, or negative. */
static long next_offset(const struct path *p, uint64_t at)
{
	return (p->flags & EVERY_BYTE) || !options.nmi ? (long)at : fire(FIRE_NEXT, at);
}

/* Is @at of no use to @s, which enters one stub only: another's stub, or text that one of its like
 * has been at? */
static bool is_elsewhere(const struct path *p, const struct shot *s, uint64_t at)
{
	uint64_t stub = at - (uint64_t)fire(FIRE_STUBS, 0);

	if (!p->operands || p->flags & NEIGHBOUR)
		return false;
	return stub < 256 * STUB_SIZE ? stub / STUB_SIZE != s->operand : !path_is_first(s->operand);
}

/* At all that an NMI has seen: where that was a sample, this is the same one. */
static bool sweep_db(const struct path *p, struct shot *s, uint64_t *shots)
{
	long events;

	for (long at = next_offset(p, 0); at >= 0; at = next_offset(p, (uint64_t)at + 1)) {
		if (is_elsewhere(p, s, (uint64_t)at))
			continue;
		if (options.own && at >= fire(FIRE_OWN_TEXT, 0))
			return true;
		events = shoot(p, s, (uint64_t)at);
		if (events == -ENOENT)
			return true;		/* beyond the text */
		if (events < 0 && events != -EPERM)
			return false;
		++*shots;
	}
	return true;
}

/* One kind of event, all operands. */
static bool sweep(const struct path *p, struct shot *s, uint64_t kind)
{
	uint64_t shots = 0;
	bool good = true;

	for (s->operand = first_operand(p); good && s->operand <= last_operand(p); s->operand++)
		if (path_takes(p, s->operand))
			good = kind == FIRE_NMI ? sweep_nmi(p, s, &shots) : sweep_db(p, s, &shots);
	printf("fire: %s %s %lu\n", p->name, kinds[kind], shots);
	fire(FIRE_DUMP, 0);
	if (!good)
		printf("# fire: %s stopped at %lu, operand %lu\n", p->name, s->value, s->operand);
	return good;
}

static bool sweep_kind(const struct path *p, struct shot *s, uint64_t kind)
{
	bool good = fire(FIRE_BEGIN, kind) == 0;

	fire(FIRE_PATH, p->flags & CHANGES_CR2);
	good = good && (kind != FIRE_HELD || company_start()) && sweep(p, s, kind);
	good &= company_stop();
	fire(FIRE_END, 0);
	return good;
}

/* All operands once, armed with nothing. */
static bool take(const struct path *p, struct shot *s)
{
	bool good = fire(FIRE_PATH, p->flags & CHANGES_CR2) == 0;

	for (s->operand = first_operand(p); good && s->operand <= last_operand(p); s->operand++)
		good = !path_takes(p, s->operand) || shoot(p, s, 0) >= 0;
	return good;
}

static bool take_undisturbed(const struct path *p, struct shot *s)
{
	bool good = fire(FIRE_BEGIN, FIRE_NOTHING) == 0 && take(p, s);

	fire(FIRE_END, 0);
	return good;
}

/* --- one path, in the thread that it needs ---------------------------------------- */

struct job {
	const struct path *path;
	bool good, done;
};

static void run_path(void *arg)
{
	static struct shot shot;
	struct job *job = arg;
	struct bystander b;

	smp_pin(smp_cpu(0));
	shot = (struct shot){ .b = &b };
	job->good = bystander_begin(&b, options.seed);
	if (options.mc)
		job->good = job->good && take(job->path, &shot);
	else
		take_undisturbed(job->path, &shot);	/* every page is there then */
	if (options.trace)
		job->good = job->good && take_undisturbed(job->path, &shot);
	if (options.nmi && !(job->path->flags & DB_ONLY))
		job->good = job->good && sweep_kind(job->path, &shot, FIRE_NMI);
	if (options.db)
		job->good = job->good && sweep_kind(job->path, &shot, FIRE_DB);
	if (options.held && !(job->path->flags & DB_ONLY))
		job->good = job->good && sweep_kind(job->path, &shot, FIRE_HELD);
	bystander_end();
	__atomic_store_n(&job->done, true, __ATOMIC_SEQ_CST);
}

static bool run_with_partner(struct job *job)
{
	struct user_thread t;

	smp_pin(smp_cpu(0));
	if (thread_start(&t, run_path, job))
		return false;
	while (!__atomic_load_n(&job->done, __ATOMIC_SEQ_CST)) {
		sys_wake((unsigned long)t.tid);
		sys_yield();
	}
	return !thread_finish(&t) && job->good;
}

static bool run_job(const struct path *p)
{
	struct job job = { .path = p };

	if (p->flags & PARTNER)
		return run_with_partner(&job);
	run_path(&job);
	neighbour(DESIGN_COUNT);
	return job.good;
}

/* --- what to do -------------------------------------------------------------- */

static bool wanted(const struct path *p)
{
	return (!*options.path || !strcmp(p->name, options.path)) &&
	       smp_count() > (p->flags & PAIR ? 1 : 0) &&
	       (!(p->flags & NEIGHBOUR) || neighbour_possible());
}

static int run_all(void)
{
	unsigned n = 0, count = 0;
	bool good = true;

	for (unsigned i = 0; i < path_count; i++)
		count += wanted(&paths[i]);
	printf("KTAP version 1\n# seed %lu, stride %lu\n1..%u\n", options.seed, options.stride,
	       count);
	for (unsigned i = 0; i < path_count; i++) {
		if (!wanted(&paths[i]))
			continue;
		bool ok = run_job(&paths[i]);

		printf("%sok %u - %s\n", ok ? "" : "not ", ++n, paths[i].name);
		good &= ok;
	}
	return good && count ? TEST_PASS : TEST_FAIL;
}

/* Until the last of those that the host sends has come. */
static int run_under_machine_checks(void)
{
	bool good = fire(FIRE_BEGIN, FIRE_MC) == 0;

	printf("KTAP version 1\n1..1\n");
	while (good && (uint64_t)fire(FIRE_EVENTS, 0) < options.stride)
		for (unsigned i = 0; good && i < path_count; i++)
			good = !wanted(&paths[i]) || run_job(&paths[i]);
	printf("fire: all mc %lu\n", (uint64_t)fire(FIRE_EVENTS, 0));
	fire(FIRE_DUMP, 0);
	fire(FIRE_END, 0);
	printf("%sok 1 - machine checks\n", good ? "" : "not ");
	return good ? TEST_PASS : TEST_FAIL;
}

static void parse_word(const char *word)
{
	if (!strcmp(word, "nmi"))
		options.nmi = true;
	else if (!strcmp(word, "db"))
		options.db = true;
	else if (!strcmp(word, "held"))
		options.held = true;
	else if (!strcmp(word, "mc"))
		options.mc = true;
	else if (!strcmp(word, "own"))
		options.own = true;
	else if (!strcmp(word, "trace"))
		options.trace = true;
	else if (*word == 'v' && word[1] >= '0' && word[1] <= '9')
		options.first = options.last = parse_number(word + 1);
	else if (*word >= '0' && *word <= '9')
		options.stride = parse_number(word);
	else
		memcpy(options.path, word, sizeof(options.path));
}

/* @arg from after "fire" on. */
static void parse(const char *arg)
{
	char word[32];

	options = (struct options){ .stride = 1, .last = UINT64_MAX };
	while (*arg == '-') {
		size_t n = 0;

		for (arg++; *arg && *arg != ' ' && *arg != '-'; arg++)
			if (n + 1 < sizeof(word))
				word[n++] = *arg;
		memset(word + n, 0, sizeof(word) - n);
		parse_word(word);
	}
	options.seed = test_seed(*arg ? arg + 1 : arg);
	options.stride += !options.stride;
	if (!options.nmi && !options.db && !options.held && !options.trace && !options.mc)
		options.nmi = options.db = options.held = true;
}

int main(const char *arg, size_t len)
{
	int status;

	(void)len;
	if (!strcmp(arg, "neighbour"))
		return neighbour_main();
	parse(arg + strlen("fire"));
	smp_set_timers(0);
	status = options.mc ? run_under_machine_checks() : run_all();
	smp_set_timers(TIMER_HZ_NORMAL);
	return status;
}
