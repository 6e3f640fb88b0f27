/* SPDX-License-Identifier: MIT */
/* region.h - a space's list of regions, for mm/aspace.c. The space is locked, but for region_new() and _free_all(). */
#ifndef MM_REGION_H
#define MM_REGION_H

#include "mm/aspace.h"

/* The region that holds @va and serves faults, or NULL. */
struct region *region_find(const struct aspace *as, uint64_t va);
/* A region of @len bytes, in no list yet, or NULL. */
struct region *region_new(uint64_t start, uint64_t len, uint64_t flags);
/* Put @r in at its place; -EEXIST when it overlaps another. */
int region_link(struct aspace *as, struct region *r);
/* Lowest gap of @len bytes at or above @from, an unmapped page on either side; or 0. */
uint64_t region_gap(const struct aspace *as, uint64_t from, uint64_t len);
/* The anonymous region that is exactly [start, start + len). NULL when there is none. */
struct region *region_find_exact(const struct aspace *as, uint64_t start, uint64_t len);
/* Take @r out. Its addresses are free. */
void region_unlink(struct aspace *as, struct region *r);
void region_free_all(struct aspace *as);

#endif
