/* SPDX-License-Identifier: MIT */
/*
 * region.c - a space's regions: a balanced tree by address (AVL), for a program makes as many as it
 * likes.
 *
 * Each region knows of its subtree the lowest and the highest address and the largest gap between
 * two neighbours, so that a place for a new one is found without looking at all.  Recursion is as
 * deep as the tree is high, 20 at REGIONS_MAX.
 */
#include "mm/region.h"
#include "kernel/abi.h"
#include "mm/pagetable.h"

/* Anonymous maps stay well below the first stack. */
#define MAP_END		(USER_STACK_TOP - 16 * USER_STACK_SIZE)

static bool holds(const struct region *r, uint64_t va)
{
	return va - r->start < r->end - r->start;
}

struct region *region_find(struct aspace *as, uint64_t va)
{
	struct region *r = as->recent;

	if (r && holds(r, va))
		return r;
	r = as->regions;
	while (r && !holds(r, va))
		r = va < r->start ? r->left : r->right;
	if (!r || r->going)
		return NULL;
	return as->recent = r;
}

/* --- the tree ---------------------------------------------------------------- */

static int height(const struct region *t)
{
	return t ? t->height : 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Note what @t has to know of its subtrees. */
static struct region *update(struct region *t)
{
	const struct region *l = t->left, *r = t->right;

	t->height = 1 + larger(height(l), height(r));
	t->first = l ? l->first : t->start;
	t->last = r ? r->last : t->end;
	t->gap = l ? larger(l->gap, t->start - l->last) : 0;
	if (r)
		t->gap = larger(t->gap, larger(r->gap, r->first - t->end));
	return t;
}

static struct region *rotate_right(struct region *t)
{
	struct region *l = t->left;

	t->left = l->right;
	l->right = update(t);
	return update(l);
}

static struct region *rotate_left(struct region *t)
{
	struct region *r = t->right;

	t->right = r->left;
	r->left = update(t);
	return update(r);
}

/* The root of what was @t, one subtree of which is by one or two higher than it may be. */
static struct region *balance(struct region *t)
{
	int lean = height(t->left) - height(t->right);

	if (lean > 1) {
		if (height(t->left->left) < height(t->left->right))
			t->left = rotate_left(t->left);
		return rotate_right(t);
	}
	if (lean < -1) {
		if (height(t->right->right) < height(t->right->left))
			t->right = rotate_right(t->right);
		return rotate_left(t);
	}
	return update(t);
}

static struct region *insert(struct region *t, struct region *r)
{
	if (!t)
		return update(r);
	if (r->start < t->start)
		t->left = insert(t->left, r);
	else
		t->right = insert(t->right, r);
	return balance(t);
}

/* @t without its lowest region, which goes to *@lowest. */
static struct region *remove_lowest(struct region *t, struct region **lowest)
{
	if (!t->left) {
		*lowest = t;
		return t->right;
	}
	t->left = remove_lowest(t->left, lowest);
	return balance(t);
}

static struct region *remove(struct region *t, const struct region *r)
{
	struct region *next;

	if (r->start < t->start) {
		t->left = remove(t->left, r);
	} else if (r->start > t->start) {
		t->right = remove(t->right, r);
	} else if (!t->right) {
		return t->left;
	} else {
		struct region *right = remove_lowest(t->right, &next);

		next->left = t->left;
		next->right = right;
		t = next;
	}
	return balance(t);
}

/*
 * Move *@at up to the lowest place for @len bytes, an unmapped page on either side, that lies below
 * some region of @t. False when there is none: then *@at is a page above the last one.  Subtrees
 * without a gap that is large enough are passed over, so this looks down two paths at most.
 */
static bool settle(const struct region *t, uint64_t *at, uint64_t len)
{
	if (!t || t->last + PAGE_SIZE <= *at)
		return false;
	if (t->first >= *at + len + PAGE_SIZE)
		return true;
	if (t->gap < len + 2 * PAGE_SIZE) {
		*at = t->last + PAGE_SIZE;
		return false;
	}
	if (settle(t->left, at, len) || t->start >= *at + len + PAGE_SIZE)
		return true;
	*at = larger(*at, t->end + PAGE_SIZE);
	return settle(t->right, at, len);
}

/* --- in and out ---------------------------------------------------------------- */

uint64_t region_gap(const struct aspace *as, uint64_t from, uint64_t len)
{
	uint64_t at = from;

	settle(as->regions, &at, len);
	return at < MAP_END && len <= MAP_END - at ? at : 0;
}

int region_link(struct aspace *as, struct region *r)
{
	const struct region *t = as->regions;

	if (as->region_count >= REGIONS_MAX)
		return -ENOMEM;
	while (t && (t->end <= r->start || t->start >= r->end))
		t = r->start < t->start ? t->left : t->right;
	if (t)
		return -EEXIST;
	r->left = r->right = NULL;
	as->regions = insert(as->regions, r);
	as->region_count++;
	return 0;
}

struct region *region_find_exact(const struct aspace *as, uint64_t start, uint64_t len)
{
	struct region *r = as->regions;

	while (r && r->start != start)
		r = start < r->start ? r->left : r->right;
	return r && r->anonymous && r->end - r->start == len ? r : NULL;
}

void region_going(struct aspace *as, struct region *r)
{
	r->going = true;
	if (as->recent == r)
		as->recent = NULL;
}

void region_unlink(struct aspace *as, struct region *r)
{
	region_going(as, r);
	as->regions = remove(as->regions, r);
	as->region_count--;
	if (r->start < as->next_map)
		as->next_map = r->start;	/* low addresses are used again: their tables
						 * stay few */
}
