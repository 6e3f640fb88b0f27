/* SPDX-License-Identifier: MIT */
/*
 * test_smp_designs.c - processes of every entry design at once, each minding its registers.
 *
 * Two of each design yield and spin under a 10 kHz timer of every CPU, so CPUs change from design
 * to design all the time, by a yield and by an interrupt. In a boot of a design without isolation
 * there is that design only.
 */
#include "bystander.h"
#include "designs.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "user.h"

#define PROGRAM "test_smp_designs"
#define EACH 2
#define CHILDREN (DESIGN_COUNT * EACH)
#define ROUNDS 300
#define STORM_HZ 10000

/* "child=<design>,<id>" */
static int child(const char *what)
{
	const char *id = what;

	while (*id && *id != ',')
		id++;
	CHECK_EQUAL(sys_design(), parse_number(what));
	CHECK(bystander_rounds(parse_number(id + 1), ROUNDS, NULL));
	return test_result();
}

static long start(unsigned n)
{
	unsigned design = n % DESIGN_COUNT;
	char arg[48];

	snprintf(arg, sizeof(arg), "child=%u,%u", design, n + 1);
	return spawn_with(PROGRAM, arg, design);
}

int main(const char *arg, size_t len)
{
	bool alone = false;
	unsigned runs = 0;
	long pid[CHILDREN];

	(void)len;
	if (starts_with(arg, "child="))
		return child(arg + strlen("child="));
	smp_set_timers(STORM_HZ);
	for (unsigned n = 0; n < CHILDREN; n++) {
		pid[n] = start(n);
		alone |= pid[n] == -ENOTSUP;
		runs += pid[n] > 0;
	}
	CHECK_EQUAL(runs, alone ? EACH : CHILDREN);
	for (unsigned n = 0; n < CHILDREN; n++)
		if (pid[n] > 0)
			CHECK_EQUAL(sys_wait((unsigned long)pid[n]), TEST_PASS);
	smp_set_timers(TIMER_HZ_NORMAL);
	printf("# %u processes of %u designs\n", runs, runs / EACH);
	return test_result();
}
