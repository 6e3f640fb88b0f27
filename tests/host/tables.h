/* SPDX-License-Identifier: MIT */
/* tables.h - page tables in a machine's memory (physmem.h), whose frames are counted and run out on
 * demand. */
#ifndef TESTS_TABLES_H
#define TESTS_TABLES_H

#include <string.h>
#include "tests/host/physmem.h"
#include "mm/frames.h"
#include "arch/x86_64/hw.h"

#define ROOT 0x1000ul

/* Frames from 0x2000 up, then from the free list; `budget` more before memory is short. */
static uint64_t next_frame, frames_out, free_list[4096];
static unsigned free_count, budget;
static const uint64_t *unlinked;	/* an entry that is 0 whenever memory is asked for */
enum tlb_bug tlb_seeded_bug;

void hw_step(void) { }

uint64_t frame_alloc_zeroed(void)
{
	uint64_t pa;

	assert_true(!unlinked || !*unlinked);
	if (!budget)
		return 0;
	budget--;
	pa = free_count ? free_list[--free_count] : next_frame;
	if (pa == next_frame)
		next_frame += PAGE_SIZE;
	memset(phys + pa, 0, PAGE_SIZE);
	frames_out++;
	return pa;
}

void frame_free(uint64_t pa)
{
	memset(phys + pa, 0xee, PAGE_SIZE);	/* whoever still walks here goes wrong */
	free_list[free_count++] = pa;
	frames_out--;
}

static int setup(void **state)
{
	(void)state;
	memset(phys, 0, sizeof(phys));
	next_frame = 0x2000;
	free_count = 0;
	frames_out = pt_pages();
	budget = 1000000;
	unlinked = NULL;
	return 0;
}

static int teardown(void **state)
{
	uint64_t lower = 0, upper = 0xffff800000000000ul;

	(void)state;
	budget = 1000000;
	while (!pt_free_step(ROOT, &lower, 1ul << 47, NULL))
		;
	while (!pt_free_step(ROOT, &upper, 0, NULL))
		;
	assert_int_equal(pt_pages(), 0);
	assert_int_equal(frames_out, 0);
	return 0;
}

static inline uint64_t entry_at(uint64_t table, unsigned i)
{
	return ((uint64_t *)(phys + table))[i];
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
