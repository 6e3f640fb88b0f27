/* SPDX-License-Identifier: MIT */
/*
 * sleepers.c - the leftist heap of those that sleep until a time.
 *
 * A node is not later than its children, and its left child's rank is not below its right child's.
 * So the rightmost path from a node of rank r has r nodes, and there are at least 2^r - 1 below it.
 */
#include "kernel/sched/sleepers.h"
#include <stddef.h>

static uint32_t rank_of(const struct sleeper *s)
{
	return s ? s->rank : 0;
}

static bool sooner(const struct sleeper *a, const struct sleeper *b)
{
	return a->wake_at < b->wake_at || (a->wake_at == b->wake_at && a->order < b->order);
}

/* Put @s, whose children are right, in order. True when its rank has changed, which its parent has
 * to know. */
static bool settle(struct sleeper *s)
{
	uint32_t before = s->rank;

	if (rank_of(s->left) < rank_of(s->right)) {
		struct sleeper *right = s->right;

		s->right = s->left;
		s->left = right;
	}
	s->rank = rank_of(s->right) + 1;
	return s->rank != before;
}

/* One heap out of two, of which either may be empty: down both rightmost paths, and up again. Its
 * root, whose parent is NULL. */
static struct sleeper *merge(struct sleeper *a, struct sleeper *b)
{
	struct sleeper *root, *parent = NULL, **link = &root;

	while (a && b) {
		struct sleeper *first = sooner(b, a) ? b : a;

		if (first == b)
			b = a;
		*link = first;
		first->parent = parent;
		parent = first;
		link = &first->right;
		a = first->right;
	}
	*link = a ? a : b;
	if (*link)
		(*link)->parent = parent;
	for (; parent; parent = parent->parent)
		settle(parent);
	return root;
}

void sleepers_add(struct sleepers *heap, struct sleeper *s, uint64_t wake_at)
{
	s->wake_at = wake_at;
	s->order = heap->added++;
	s->left = s->right = NULL;
	s->rank = 1;
	heap->soonest = merge(heap->soonest, s);
}

void sleepers_remove(struct sleepers *heap, struct sleeper *s)
{
	struct sleeper *parent = s->parent, *rest = merge(s->left, s->right);

	s->wake_at = 0;
	if (!parent) {
		heap->soonest = rest;
		return;
	}
	if (parent->left == s)
		parent->left = rest;
	else
		parent->right = rest;
	if (rest)
		rest->parent = parent;
	/* Each rank that changes here is above the one before: no more of them than the highest
	 * rank. */
	while (parent && settle(parent))
		parent = parent->parent;
}

/* --- for tests ------------------------------------------------------------------- */

const struct sleeper *sleepers_next(const struct sleeper *s)
{
	if (s->left || s->right)
		return s->left ? s->left : s->right;
	for (; s->parent; s = s->parent)
		if (s == s->parent->left && s->parent->right)
			return s->parent->right;
	return NULL;
}

static const char *check_node(const struct sleeper *s)
{
	const struct sleeper *parent = s->parent;

	if (!s->wake_at)
		return "a sleeper has no time";
	if (parent && s != parent->left && s != parent->right)
		return "a sleeper is not its parent's child";
	if (parent && sooner(s, parent))
		return "a sleeper is sooner than its parent";
	if (rank_of(s->left) < rank_of(s->right))
		return "a sleeper's right child outranks the left";
	if (s->rank != rank_of(s->right) + 1)
		return "a sleeper has a wrong rank";
	return NULL;
}

const char *sleepers_check(const struct sleepers *heap)
{
	const char *wrong = NULL;

	if (heap->soonest && heap->soonest->parent)
		return "the soonest sleeper has a parent";
	for (const struct sleeper *s = heap->soonest; s && !wrong; s = sleepers_next(s))
		wrong = check_node(s);
	return wrong;
}
