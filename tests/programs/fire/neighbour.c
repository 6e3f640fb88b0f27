/* SPDX-License-Identifier: MIT */
/* neighbour.c - a process of another entry design on the same CPU: whoever makes way for it has the
 * CPU change to that design, and back. */
#include "designs.h"
#include "fire.h"
#include "smp.h"

#define TURNS 64			/* that it takes without asking */

static unsigned there = DESIGN_COUNT;
static long pid;

bool neighbour(unsigned design)
{
	if (design == there)
		return true;
	if (there != DESIGN_COUNT) {
		fire(FIRE_NEIGHBOUR, NEIGHBOUR_GOES);
		sys_wait((unsigned long)pid);
	}
	there = DESIGN_COUNT;
	if (design == DESIGN_COUNT)
		return true;
	fire(FIRE_NEIGHBOUR, NEIGHBOUR_STAYS);
	pid = spawn_with("fire", "neighbour", design);
	if (pid < 0)
		return false;
	there = design;
	sys_yield();			/* it goes where it stays */
	return true;
}

int neighbour_main(void)
{
	smp_pin(smp_cpu(0));
	do {
		for (unsigned i = 0; i < TURNS; i++)
			sys_yield();
	} while (fire(FIRE_NEIGHBOUR, NEIGHBOUR_ASKS) == 1);
	return 0;
}

bool neighbour_possible(void)
{
	unsigned other = sys_design() ? 0 : 1;
	struct spawn_request nobody = { .design = other };

	return sys_spawn_with((uintptr_t)&nobody) != -ENOTSUP;
}
