/* SPDX-License-Identifier: MIT */
/* ptwalk.c - walks over page tables, at once or in steps that are bounded by what they look at. */
#include "mm/pagetable_internal.h"

#define LINE	8	/* entries in a cache line: most tables are nearly empty */

struct walk {
	uint64_t from, last;		/* inclusive: a walk can end at the top of memory */
	uint64_t work;			/* entries that may still be looked at */
	uint64_t stopped;		/* where it ended before its time */
	bool freeing;
	pt_visitor *fn;
	void *ctx;
};

/* One past the last entry to look at, of the table that translates from @base on. */
static unsigned walk_end(const struct walk *w, uint64_t base, unsigned level)
{
	uint64_t table_span = 1ul << (PAGE_SHIFT + 9 * level);

	return level == LEVELS || w->last - base < table_span ? pt_index(w->last, level) + 1 : 512;
}

static bool line_is_empty(const uint64_t *e)
{
	return !((e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]) & PTE_P);
}

unsigned pt_next_used(const uint64_t *table, unsigned i, unsigned end)
{
	for (; i < end && i % LINE; i++)
		if (table[i] & PTE_P)
			return i;
	while (i + LINE <= end && line_is_empty(&table[i]))
		i += LINE;
	while (i < end && !(table[i] & PTE_P))
		i++;
	return i;
}

/* For looking at @n entries. */
static uint64_t work_of(unsigned n)
{
	return (n + LINE - 1) / LINE * PT_LINE_WORK;
}

static unsigned skip_empty(const uint64_t *table, unsigned i, unsigned end, uint64_t *work)
{
	unsigned first = i, stop = end;

	if (work_of(end - i) > *work)
		stop = i + *work / PT_LINE_WORK * LINE;
	i = pt_next_used(table, i, stop);
	if (i == stop && stop < end)
		*work = 0;		/* it ends here, whatever this entry is */
	else
		*work -= work_of(i - first);
	return i;
}

static void spend(struct walk *w, uint64_t work)
{
	w->work -= w->work < work ? w->work : work;
}

/* Walk a table of @level whose first entry translates @base; @access is that of the path above. */
static bool walk_table(struct walk *w, uint64_t *table, uint64_t base, uint64_t access,
		       unsigned level)
{
	uint64_t span = 1ul << (PAGE_SHIFT + 9 * (level - 1));
	unsigned end = walk_end(w, base, level);

	for (unsigned i = base < w->from ? pt_index(w->from, level) : 0;; i++) {
		i = skip_empty(table, i, end, &w->work);
		if (i == end)
			return true;
		uint64_t e = table[i], va = base + i * span, a;

		if (level == LEVELS && i >= 256)
			va |= 0xffff000000000000ul;	/* canonical */
		w->stopped = va;
		if (!w->work)
			return false;
		a = (access & e & (PTE_W | PTE_U)) | ((access | e) & PTE_NX);
		spend(w, level == 1 ? PT_LEAF_WORK : 1);
		if (level == 1 || (e & PTE_PS)) {
			w->stopped = va + span;
			if (w->fn && !w->fn(w->ctx, va, e, a, level))
				return false;
		} else if (!walk_table(w, table_at(e), va, a, level - 1)) {
			return false;
		} else if (w->freeing) {
			table[i] = 0;
			free_table(e & PTE_ADDR);
			spend(w, PT_LEAF_WORK);
		}
	}
}

static bool walk(struct walk *w, uint64_t root)
{
	return w->from > w->last || walk_table(w, phys_to_virt(root), 0, PTE_W | PTE_U, LEVELS);
}

void pt_walk(uint64_t root, uint64_t from, uint64_t to, pt_visitor *fn, void *ctx)
{
	struct walk w = { .from = from, .last = to - 1, .work = ~0ul, .fn = fn, .ctx = ctx };

	if (from < to)
		walk(&w, root);
}

static bool walk_step(struct walk *w, uint64_t root, uint64_t *at, uint64_t to)
{
	bool done;

	w->from = *at;
	w->last = to - 1;
	w->work = PT_STEP_WORK;
	done = walk(w, root);
	*at = done ? to : w->stopped;
	return done;
}

bool pt_walk_step(uint64_t root, uint64_t *at, uint64_t to, pt_visitor *fn, void *ctx)
{
	struct walk w = { .fn = fn, .ctx = ctx };

	return walk_step(&w, root, at, to);
}

bool pt_free_step(uint64_t root, uint64_t *at, uint64_t to, pt_visitor *fn)
{
	struct walk w = { .freeing = true, .fn = fn };

	return walk_step(&w, root, at, to);
}
