/* SPDX-License-Identifier: MIT */
/* heap.h - kmalloc: size classes (powers of two, 32..2048) from single frames, and whole pages
 * above. */
#ifndef MM_HEAP_H
#define MM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed memory, aligned to its class (64-byte alignment from 64 up); NULL when memory is short.
 * IRQs off or on. */
void *kzalloc(size_t size);
void kfree(void *p);	/* NULL is fine; a pointer that is not live panics by name */
uint64_t heap_objects(void);		/* in use now, counted one by one: for balances in tests */
/* For tests: is this an object in use of a class of @size bytes or more? And what is wrong with the
 * heap, or NULL. */
bool heap_holds(const void *object, size_t size);
const char *heap_check(void);

/* Look at some blocks, and give the frames of a few that are wholly free back. False when a
 * whole round has found nothing. IRQs off, no lock held; waits for all CPUs. */
bool heap_shrink(void);

#endif
