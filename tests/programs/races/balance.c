/* SPDX-License-Identifier: MIT */
/*
 * balance.c - frames, page tables, heap objects and thread ids are as many after a run as before
 * it.
 *
 * The kernel's pools keep what they once had, and grow when two calls need more at once than ever
 * before. So where the counts differ they are taken again with the pools emptied, and compared with
 * those of the beginning, likewise.
 */
#include "races.h"
#include "print.h"
#include "tests/probe/abi.h"

struct counts {
	long frames, tables, objects, tids;
};

static struct counts usual, least;
static char text[160];

static struct counts count(bool shrink)
{
	if (shrink)
		sys_bench_control(BENCH_SHRINK, 0);
	return (struct counts){
		sys_bench_control(BENCH_FRAMES_USED, 0), sys_bench_control(BENCH_PT_PAGES, 0),
		sys_bench_control(BENCH_HEAP_OBJECTS, 0), sys_bench_control(BENCH_TIDS, 0),
	};
}

static bool same(const struct counts *a, const struct counts *b)
{
	return a->frames == b->frames && a->tables == b->tables && a->objects == b->objects &&
	       a->tids == b->tids;
}

/* After a first run, which fills the pools. */
void balance_begin(void)
{
	struct counts now;

	settle();
	now = count(false);
	least = count(true);
	usual = now;			/* not any more, but soon */
}

const char *balance_check(void)
{
	struct counts now = count(false), shrunk;

	if (same(&now, &usual))
		return NULL;
	shrunk = count(true);
	usual = now;
	if (same(&shrunk, &least))
		return NULL;
	snprintf(text, sizeof(text),
		 "frames %ld, were %ld; page tables %ld, were %ld; heap objects %ld, were %ld; "
		 "tids %ld, were %ld",
		 shrunk.frames, least.frames, shrunk.tables, least.tables, shrunk.objects,
		 least.objects, shrunk.tids, least.tids);
	least = shrunk;
	return text;
}
