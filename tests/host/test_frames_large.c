/* SPDX-License-Identifier: MIT */
/* test_frames_large.c - the frame allocator on a large machine: no search is long. */
/* sources: mm/frames.c mm/summary.c kernel/lib/probe.c */
#include <string.h>
#include <sys/mman.h>
#include "tests/host/physmem.h"
#include "mm/frames.h"
#include "mm/summary.h"

#define MIB 0x100000ul

/* --- a large machine -------------------------------------------------------------- */

#define LARGE (16ul << 30)
#define MAP_BYTES (LARGE / PAGE_SIZE / 8)

/* Nearly everything is taken: nobody reads the whole map to find the rest, or to find nothing. */
static void nearly_full(void **state)
{
	static const struct mem_range large[] = { { 0, LARGE, true } };
	uint64_t high = LARGE - 64 * MIB, low = 16 * MIB;
	uint8_t *middle = phys + MIB + 4 * PAGE_SIZE;	/* of the first bitmap, which lies at 1
							 * MiB */
	size_t len = MAP_BYTES - 8 * PAGE_SIZE;

	(void)state;
	frames_init(large, 1, NULL, 0);
	while (frame_alloc())
		;
	assert_int_equal(frames_used(), frames_total());
	frame_free(high);
	frame_free(low + PAGE_SIZE);
	frames_free_order(high + 4 * PAGE_SIZE, 1);
	assert_int_equal(mprotect(middle, len, PROT_NONE), 0);
	assert_int_equal(frames_alloc_order(1), high + 4 * PAGE_SIZE);
	assert_int_equal(frames_alloc_order(1), 0);
	assert_int_not_equal(frame_alloc(), 0);
	assert_int_not_equal(frame_alloc(), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(frame_alloc(), 0);
	frame_free(low);
	assert_int_equal(frames_alloc_order(1), 0);
	assert_int_equal(frame_alloc(), low);
	frames_free_order(low, 1);
	assert_int_equal(frames_alloc_order(1), low);
	assert_int_equal(mprotect(middle, len, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(frames_used(), frames_total());
}

/* Every number of a set that reaches up to the last level. */
static void summary_of_many(void **state)
{
	static const uint64_t in[] = { 0, 1, 63, 64, 4095, 4096, 262143, 262144, 524287 };
	const uint64_t count = 524288, n = sizeof(in) / sizeof(in[0]);
	struct summary s;

	(void)state;
	assert_int_equal(summary_words(count), 8192 + 128 + 2 + 1);
	memset(phys, 0, summary_words(count) * 8);
	summary_init(&s, 0, count);
	assert_int_equal(summary_next(&s, 0), SUMMARY_NONE);
	for (unsigned twice = 0; twice < 2; twice++)
		for (unsigned i = 0; i < n; i++)
			summary_put(&s, in[i], true);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(summary_next(&s, i ? in[i - 1] + 1 : 0), in[i]);
		assert_int_equal(summary_next(&s, in[i]), in[i]);
	}
	assert_int_equal(summary_next(&s, count), SUMMARY_NONE);
	for (unsigned i = 0; i < n; i++) {
		summary_put(&s, in[i], false);
		summary_put(&s, in[i], false);
		assert_int_equal(summary_next(&s, 0), i + 1 < n ? in[i + 1] : SUMMARY_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearly_full),
		cmocka_unit_test(summary_of_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
