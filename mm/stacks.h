/* SPDX-License-Identifier: MIT */
/*
 * stacks.h - kernel stacks, each above a guard page.
 *
 * Those that are free keep their frames and their mapping until memory is short, so handing one
 * out or taking it back flushes nothing.
 */
#ifndef MM_STACKS_H
#define MM_STACKS_H

#include <stdbool.h>
#include <stdint.h>

/* Top of a kernel stack of KSTACK_PAGES pages, or 0. Contents undefined. IRQs off. */
uint64_t kstack_alloc(void);
void kstack_free(uint64_t top);

/* Is @va inside a guard page of a stack, IST stacks and entry stacks included? *what names the
 * stack. Any context. */
bool stack_guard_hit(uint64_t va, const char **what);

/* For tests, while nothing else runs: what is wrong with the pool, or NULL; and how many are handed
 * out. */
const char *kstacks_check(uint64_t *in_use);

#endif
