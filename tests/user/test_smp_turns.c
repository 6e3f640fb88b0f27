/* SPDX-License-Identifier: MIT */
/*
 * test_smp_turns.c - everybody who is as urgent as the others has a turn: next to threads that
 * never enter the kernel, on each CPU, also on one whose tick rested; and next to one that makes
 * way just before each tick.
 */
#include "smp.h"
#include "test.h"
#include "thread.h"

#define ON_EACH 3
#define CPUS_MAX 8
#define ROUNDS 3
#define WAIT_NS 1000000
#define TICK_NS 10000000ul
#define DODGES 30
#define SHARE_MIN 4		/* a quarter */

struct spinner {
	struct user_thread thread;
	volatile uint64_t turns;
};

static volatile bool over;

static void spin(void *arg)
{
	struct spinner *s = arg;

	while (!over) {
		s->turns++;
		smp_relax();
	}
}

static void start(struct spinner *s, void (*body)(void *), unsigned cpu)
{
	s->turns = 0;
	CHECK_EQUAL(thread_start(&s->thread, body, s), 0);
	CHECK_EQUAL(sys_set_affinity((unsigned long)s->thread.tid, 1ul << cpu), 0);
}

/* A hang is the boot's time-out. */
static void wait_for_turn(const struct spinner *s)
{
	for (uint64_t before = s->turns; s->turns == before;)
		sys_sleep(WAIT_NS);
}

static void among_spinners(void)
{
	static struct spinner s[CPUS_MAX][ON_EACH];
	unsigned cpus = smp_count() < CPUS_MAX ? smp_count() : CPUS_MAX;

	over = false;
	for (unsigned i = 0; i < cpus * ON_EACH; i++)
		start(&s[i % cpus][i / cpus], spin, smp_cpu(i % cpus));
	for (unsigned i = 0; i < cpus * ON_EACH * ROUNDS; i++)
		wait_for_turn(&s[i % cpus][i / cpus % ON_EACH]);
	over = true;
	for (unsigned i = 0; i < cpus * ON_EACH; i++)
		CHECK_EQUAL(thread_finish(&s[i % cpus][i / cpus].thread), 0);
}

/* It comes back when a tick has ended the other's turn, and so knows when the next one is due. */
static void dodge(void *arg)
{
	struct spinner *s = arg;

	for (unsigned i = 0; i < DODGES; i++) {
		uint64_t until = (uint64_t)sys_clock() + TICK_NS / 10 * 9;

		while ((uint64_t)sys_clock() < until) {
			s->turns++;
			smp_relax();
		}
		sys_yield();
	}
	over = true;
}

static void beside_a_dodger(void)
{
	struct spinner honest, dodger;
	unsigned cpu = smp_cpu(smp_count() - 1);

	over = false;
	start(&honest, spin, cpu);
	start(&dodger, dodge, cpu);
	CHECK_EQUAL(thread_finish(&dodger.thread), 0);
	CHECK_EQUAL(thread_finish(&honest.thread), 0);
	CHECK(honest.turns >= (honest.turns + dodger.turns) / SHARE_MIN);
}

int main(const char *arg, size_t len)
{
	(void)arg;
	(void)len;
	among_spinners();
	beside_a_dodger();
	return test_result();
}
