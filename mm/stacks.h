/* SPDX-License-Identifier: MIT */
/*
 * stacks.h - kernel stacks and trampoline stacks, each under a guard page.
 *
 * Slots are pooled and keep their kernel mapping and frames for ever; only a
 * trampoline's mapping in a user root comes and goes, so the kernel half never
 * needs a flush.
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
	uint64_t va;			/* of its one page; its stack grows down from va + PAGE_SIZE */
	uint64_t pa;
	struct trampoline_slot *slot;	/* the pool's record of it */
};
/* A trampoline for a thread of process @pid, zeroed when its last owner was another process. @pid names one
 * process for the whole life of the kernel. 0 or -ENOMEM. */
int trampoline_alloc(struct trampoline *t, uint32_t pid);
void trampoline_free(const struct trampoline *t);

/* Is @va inside a guard page of a stack, IST stacks and entry stacks included? *what names the stack. */
bool stack_guard_hit(uint64_t va, const char **what);

#endif
