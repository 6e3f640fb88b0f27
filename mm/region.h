/* SPDX-License-Identifier: MIT */
/* region.h - a space's regions, for mm/aspace.c. The space is locked, or known to nobody. */
#ifndef MM_REGION_H
#define MM_REGION_H

#include "mm/aspace.h"

#define REGIONS_MAX	16384		/* of one space; 300 frames */

/* The region that holds @va and serves faults, or NULL. */
struct region *region_find(struct aspace *as, uint64_t va);
/* A region of @len bytes, not yet at its place; !regionpool_full(). */
struct region *region_new(struct aspace *as, uint64_t start, uint64_t len, uint64_t flags);
/* @r, which is at no place, is no more. Its frame may go too, and counts in as->frames no
 * longer. */
void region_free(struct aspace *as, struct region *r);
/* Put @r in at its place; -EEXIST when it overlaps another, -ENOMEM when the space has
 * REGIONS_MAX. */
int region_link(struct aspace *as, struct region *r);
/* Lowest gap of @len bytes at or above @from, an unmapped page on either side; or 0. */
uint64_t region_gap(const struct aspace *as, uint64_t from, uint64_t len);
/* The anonymous region that is exactly [start, start + len). NULL when there is none. */
struct region *region_find_exact(const struct aspace *as, uint64_t start, uint64_t len);
/* From now on @r serves no faults. */
void region_going(struct aspace *as, struct region *r);
/* Take @r out. Its addresses are free. */
void region_unlink(struct aspace *as, struct region *r);

/* --- their memory: mm/regionpool.c ---------------------------------------------- */

void regionpool_init(struct aspace *as);
/* Does a new region need regionpool_grow()? */
bool regionpool_full(const struct aspace *as);
/* One frame more, which counts in as->frames. False: there is none. */
bool regionpool_grow(struct aspace *as);
/* Free some of the frames of a space that nobody uses any more. True when none is left. */
bool regionpool_free_step(struct aspace *as);
/* For tests: the frame that a place in as->region_pages is in; and is @r a place in use of
 * @as's? */
uint64_t regionpool_frame(const struct list *link);
bool regionpool_holds(const struct aspace *as, const struct region *r);

#endif
