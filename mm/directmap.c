/* SPDX-License-Identifier: MIT */
/*
 * directmap.c - all RAM at DIRECT_MAP_BASE.
 *
 * A large page must not cover memory of different types: the MTRRs' answer is undefined then (SDM
 * vol. 3A, 12.11.9). The types are not read, for firmware's memory map says enough: what is RAM
 * throughout has one type, RAM's.  So a piece of that kind gets a large page; one that is partly
 * RAM gets pages of 4 KiB, which no MTRR divides, for what firmware keeps beside the RAM too; and
 * one without any RAM, where devices are, gets nothing.
 */
#include "mm/directmap.h"
#include "mm/pagetable.h"

#define LARGE_2M	0x200000ul
#define LARGE_1G	0x40000000ul

static uint64_t range_end(const struct mem_range *r)
{
	return r->len > ~0ul - r->base ? ~0ul : r->base + r->len;
}

static bool touches(const struct mem_range *r, uint64_t from, uint64_t to)
{
	return r->len && r->base < to && range_end(r) > from;
}

/* Does a range that is usable, or one that is not, touch [from, to)? */
static bool any(const struct direct_map *m, bool usable, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->mem[i].usable == usable && touches(&m->mem[i], from, to))
			return true;
	return false;
}

/* How far the usable range that has @at goes; @at where none does. */
static uint64_t usable_until(const struct direct_map *m, uint64_t at)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->mem[i].usable && touches(&m->mem[i], at, at + 1))
			return range_end(&m->mem[i]);
	return at;
}

/* Is [from, to) RAM throughout? Several ranges may say so together. */
static bool all_ram(const struct direct_map *m, uint64_t from, uint64_t to)
{
	if (any(m, false, from, to))
		return false;
	while (from < to) {
		uint64_t next = usable_until(m, from);

		if (next == from)
			return false;
		from = next;
	}
	return true;
}

static bool is_read_only(const struct direct_map *m, uint64_t from, uint64_t to)
{
	for (unsigned i = 0; i < sizeof(m->read_only) / sizeof(m->read_only[0]); i++)
		if (from < m->read_only[i].end && to > m->read_only[i].start)
			return true;
	return false;
}

static bool can_be_large(const struct direct_map *m, uint64_t pa, uint64_t size)
{
	return pa % size == 0 && all_ram(m, pa, pa + size) && !is_read_only(m, pa, pa + size);
}

static int map_small(const struct direct_map *m, uint64_t root, uint64_t pa, uint64_t end)
{
	int err = 0;

	for (; pa < end && !err; pa += PAGE_SIZE) {
		uint64_t write = is_read_only(m, pa, pa + PAGE_SIZE) ? 0 : PTE_W;

		err = pt_map(root, DIRECT_MAP_BASE + pa, pa, m->flags | write, NULL);
	}
	return err;
}

static int map_2m(const struct direct_map *m, uint64_t root, uint64_t pa)
{
	if (!any(m, true, pa, pa + LARGE_2M))
		return 0;
	if (can_be_large(m, pa, LARGE_2M))
		return pt_map_large(root, DIRECT_MAP_BASE + pa, pa, m->flags | PTE_W, 2);
	return map_small(m, root, pa, pa + LARGE_2M);
}

int direct_map_build(const struct direct_map *m, uint64_t root)
{
	int err = 0;

	for (uint64_t pa = 0; pa < m->end && !err;) {
		bool huge = m->huge && can_be_large(m, pa, LARGE_1G);

		if (huge)
			err = pt_map_large(root, DIRECT_MAP_BASE + pa, pa, m->flags | PTE_W, 3);
		else
			err = map_2m(m, root, pa);
		pa += huge ? LARGE_1G : LARGE_2M;
	}
	return err;
}
