/* SPDX-License-Identifier: MIT */
/*
 * stacks.h - kernel stacks and trampoline stacks, each under a guard page.
 *
 * Slots are pooled, and those that are free keep their frames and their kernel
 * mapping until memory is short, so handing one out or taking it back flushes
 * nothing but a trampoline's mapping in a user root.
 */
#ifndef MM_STACKS_H
#define MM_STACKS_H

#include <stdbool.h>
#include <stdint.h>

/* Top of a kernel stack of KSTACK_PAGES pages, or 0. Contents undefined. */
uint64_t kstack_alloc(void);
void kstack_free(uint64_t top);

struct trampoline_slot;

struct trampoline {
	uint64_t va;	/* of its one page; its stack grows down from va + PAGE_SIZE */
	uint64_t pa;
	struct trampoline_slot *slot;	/* the pool's record of it */
};
/* A trampoline for a thread in the space @space, a tlb.id: no two spaces ever have the same. It
 * is zeroed when its last owner was in another one, of a process that ended perhaps. 0 or
 * -ENOMEM. */
int trampoline_alloc(struct trampoline *t, uint64_t space);
void trampoline_free(const struct trampoline *t);

/* Give the frames of a few free slots back. False when there is none. IRQs off, no lock held; waits
 * for all CPUs. */
bool stacks_shrink(void);

/* Is @va inside a guard page of a stack, IST stacks and entry stacks included? *what names the
 * stack. */
bool stack_guard_hit(uint64_t va, const char **what);

/* For tests, while nothing else runs: what is wrong with the pools, or NULL; and how many are
 * handed out. */
struct stacks_use {
	uint64_t kstacks, trampolines;
};
const char *stacks_check(struct stacks_use *use);

#endif
