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

/* Every machine: spaces with and without a user root, or both; PCIDs, INVPCID; 1 to 8 CPUs. */
static void no_stale_translation(void **state)
{
	uint64_t seed = test_number("TLB_SEED", 1), steps = test_number("TLB_STEPS", 300000),
		 total = 0;

	(void)state;
	for (unsigned cpus = 1; cpus <= CPUS; cpus *= 2) {
		for (unsigned kind = 0; kind < 9; kind++) {
			struct machine m = { cpus, kind % 3, kind >= 3, kind >= 6 };

			if (!run(m, seed, steps, NO_BUG))
				fail_msg("%u CPUs, spaces %d, pcid %d, invpcid %d, seed %lu, step "
					 "%lu: %s",
					 cpus, m.spaces, m.pcid, m.invpcid, seed, sim.steps,
					 sim.wrong);
			assert_true(sim.uses > steps / 100);
			assert_true(m.spaces != MIXED || sim.changes > steps / 1000);
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
	assert_true(run((struct machine){ 4, SPLIT, true, true }, 1, 200000, NO_BUG));
	assert_true(sim.flips_out_flushing * 4 < sim.flips_out);
	assert_true(run((struct machine){ 4, SPLIT, true, false }, 1, 200000, NO_BUG));
	assert_true(sim.flips_out_flushing * 2 < sim.flips_out);
}

/* The slowest to show are a mark that is lost when a space changes, and a CPU that joins late: most
 * machines are for those two. */
static bool caught(enum tlb_bug bug, uint64_t *steps)
{
	static const struct machine machines[] = {
		{ 4, MIXED, true, false }, { 8, UNSPLIT, true, true },
		{ 4, MIXED, true, true }, { 4, SPLIT, true, true },
	};

	*steps = 0;
	for (unsigned n = 0; n < 48; n++) {
		bool fine = run(machines[n % 4], 1 + n / 4, 1000000, bug);

		*steps += sim.steps;
		if (!fine)
			return true;
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
		[NOTE_UNSPLIT] = "user root of an unsplit space noted",
		[USER_BY_KERNEL] = "user root's id taken for as clean as the kernel root's",
		[KEEP_RECYCLED_USER] = "user root's id recycled as it is from an unsplit space",
		[WORD_OF_UNSPLIT] = "user word of an unsplit space like a split one's",
		[WORD_OF_BOOT] = "user word of the boot space's kind",
		[NOTE_BOTH_ROOTS] = "kernel root flushed, both noted",
		[KIND_OF_BOOT] = "user root flushed by the boot space's kind",
		[DROP_MARK] = "mark dropped when a space became unsplit, its note kept",
		[KERNEL_BY_USER] = "request dismissed by the user root's generation",
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
