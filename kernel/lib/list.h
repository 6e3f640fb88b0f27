/* SPDX-License-Identifier: MIT */
/* list.h - circular, doubly linked, intrusive lists: in and out in constant time. */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A head, or a member. What a member that is in no list points at means nothing. */
struct list {
	struct list *next, *before;
};

#define LIST_INIT(name) { &(name), &(name) }

/* The object of @type whose field @member is *@link. */
#define LIST_OBJECT(link, type, member) ((type *)((char *)(link) - offsetof(type, member)))

/* Visit every member of @head as @at, a struct list pointer. The list does not change meanwhile. */
#define LIST_EACH(at, head) for (struct list *at = (head)->next; at != (head); at = at->next)

static inline void list_init(struct list *head)
{
	head->next = head->before = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

/* Put @link right after @at: the front of the list whose head @at is. */
static inline void list_add(struct list *at, struct list *link)
{
	struct list *next = at->next;

	link->before = at;
	link->next = next;
	next->before = link;
	at->next = link;
}

/* Put @link at the end of the list whose head @at is. */
static inline void list_append(struct list *at, struct list *link)
{
	struct list *last = at->before;

	link->before = last;
	link->next = at;
	last->next = link;
	at->before = link;
}

/* Take the first member out of @head, which has one. */
static inline struct list *list_take_first(struct list *head)
{
	struct list *first = head->next, *next = first->next;

	head->next = next;
	next->before = head;
	return first;
}

static inline void list_remove(struct list *link)
{
	link->before->next = link->next;
	link->next->before = link->before;
}

#endif
