/* SPDX-License-Identifier: MIT */
/* test_tlb.c - mm/tlb.c and mm/pagetable.c on a simulated machine: random kernels that use no stale
 * translation. */
/* sources: mm/pagetable.c mm/ptwalk.c */
#pragma GCC optimize("O2")
#include "arch/x86_64/xcall.c"		/* their state, too: every run starts from a machine just
					 * switched on */
#include "mm/tlb.c"
#include "tests/host/tlbrun.h"

static uint64_t test_number(const char *name, uint64_t otherwise)
{
	return getenv(name) ? strtoull(getenv(name), NULL, 0) : otherwise;
}

/* Every machine: with and without a user root, PCIDs, INVPCID; 1 to 8 CPUs. */
static void no_stale_translation(void **state)
{
	uint64_t seed = test_number("TLB_SEED", 1), steps = test_number("TLB_STEPS", 300000),
		 total = 0;

	(void)state;
	for (unsigned cpus = 1; cpus <= CPUS; cpus *= 2) {
		for (unsigned kind = 0; kind < 6; kind++) {
			struct machine m = { cpus, kind & 1, kind >= 2, kind >= 4 };

			if (!run(m, seed, steps, NO_BUG))
				fail_msg("%u CPUs, split %d, pcid %d, invpcid %d, seed %lu, step "
					 "%lu: %s",
					 cpus, m.split, m.pcid, m.invpcid, seed, sim.steps,
					 sim.wrong);
			assert_true(sim.uses > steps / 100);
			total += sim.steps;
		}
	}
	print_message("%lu steps from seed %lu\n", total, seed);
}

/* Almost every flip keeps the TLB where there are PCIDs, and a due flush is done by one flip
 * only. */
static void flips_keep_the_tlb(void **state)
{
	(void)state;
	assert_true(run((struct machine){ 4, true, true, true }, 1, 200000, NO_BUG));
	assert_true(sim.flips_out_flushing * 4 < sim.flips_out);
	assert_true(run((struct machine){ 4, true, true, false }, 1, 200000, NO_BUG));
	assert_true(sim.flips_out_flushing * 2 < sim.flips_out);
}

static bool caught(enum tlb_bug bug, uint64_t *steps)
{
	*steps = 0;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		for (unsigned k = 1; k <= 3; k++) {
			unsigned kind = k * 2 % 6 + 1;	/* PCIDs first */
			bool fine = run((struct machine){ 4, true, kind >= 2, kind >= 4 }, seed,
					1000000, bug);

			*steps += sim.steps;
			if (!fine)
				return true;
		}
	}
	return false;
}

/* The test of the test: a module with one flush, generation or wait left out is found out. */
static void seeded_bugs_are_caught(void **state)
{
	static const char *const names[TLB_BUGS] = {
		[SKIP_FLUSH] = "kernel root not flushed",
		[SKIP_USER_FLUSH] = "user root not flushed",
		[SKIP_GENERATION] = "generation not counted",
		[SKIP_USER_GENERATION] = "private pages' not counted",
		[SKIP_LOAD_FLUSH] = "nothing flushed on loading",
		[SKIP_DEFERRED_USER] = "no deferred user flush",
		[SKIP_RECYCLED_FLUSH] = "id recycled as it is",
		[SKIP_KERNEL_FLUSH] = "kernel half not flushed",
		[SKIP_IPI] = "no IPI",
		[SKIP_WAIT] = "no wait for acknowledgements",
		[SKIP_OVERFLOW] = "pages of an overflow left out",
		[SKIP_GAP] = "pages flushed over a gap",
		[ENTER_LATE] = "set entered after the generation was read",
		[ARM_EARLY] = "word armed before the flip",
		[LOOK_EARLY] = "set read before the generation was counted",
		[LEAVE_EARLY] = "set left before the root",
		[SKIP_KERNEL_WAIT] = "kernel page freed before all acknowledged",
		[FLUSH_ONE_ID] = "kernel half flushed under one id only",
		[JOIN_LATE] = "CPU joined after it had flushed the kernel half",
		[LINK_EARLY] = "table linked before all levels are there",
	};
	uint64_t steps;

	(void)state;
	for (int bug = NO_BUG + 1; bug < TLB_BUGS; bug++) {
		if (!caught(bug, &steps))
			fail_msg("not caught: %s", names[bug]);
		print_message("%s: after %lu steps: %s\n", names[bug], steps, sim.wrong);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_stale_translation), cmocka_unit_test(flips_keep_the_tlb),
		cmocka_unit_test(seeded_bugs_are_caught),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
