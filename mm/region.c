/* SPDX-License-Identifier: MIT */
/* region.c - a space's regions: an ascending list, a handful in every program. */
#include "mm/region.h"
#include "kernel/abi.h"
#include "mm/heap.h"
#include "mm/pagetable.h"

/* Anonymous maps stay well below the first stack. */
#define MAP_END		(USER_STACK_TOP - 16 * USER_STACK_SIZE)

struct region *region_find(const struct aspace *as, uint64_t va)
{
	struct region *r = as->regions;

	while (r && r->end <= va)
		r = r->next;
	return r && r->start <= va && !r->going ? r : NULL;
}

int region_link(struct aspace *as, struct region *r)
{
	struct region **at = &as->regions;

	while (*at && (*at)->end <= r->start)
		at = &(*at)->next;
	if (*at && (*at)->start < r->end)
		return -EEXIST;
	r->next = *at;
	*at = r;
	return 0;
}

struct region *region_new(uint64_t start, uint64_t len, uint64_t flags)
{
	struct region *r = kzalloc(sizeof(*r));

	if (r) {
		r->start = start;
		r->end = start + len;
		r->flags = flags & (PTE_W | PTE_NX);
	}
	return r;
}

uint64_t region_gap(const struct aspace *as, uint64_t from, uint64_t len)
{
	uint64_t at = from;
	const struct region *r = as->regions;

	for (; r && r->start < at + len + PAGE_SIZE; r = r->next)
		if (r->end + PAGE_SIZE > at)
			at = r->end + PAGE_SIZE;
	return at < MAP_END && len <= MAP_END - at ? at : 0;
}

struct region *region_find_exact(const struct aspace *as, uint64_t start, uint64_t len)
{
	struct region *r = as->regions;

	while (r && r->start < start)
		r = r->next;
	return r && r->anonymous && r->start == start && r->end - r->start == len ? r : NULL;
}

void region_unlink(struct aspace *as, struct region *r)
{
	struct region **at = &as->regions;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	if (r->start < as->next_map)
		as->next_map = r->start;	/* low addresses are used again: their tables stay few */
}

void region_free_all(struct aspace *as)
{
	while (as->regions) {
		struct region *r = as->regions;

		as->regions = r->next;
		kfree(r);
	}
}
