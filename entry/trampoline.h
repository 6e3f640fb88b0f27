/* SPDX-License-Identifier: MIT */
/*
 * trampoline.h - a task's own page to enter the kernel on, above a guard page: the pool, and the
 * hooks of a design whose tasks have one.
 *
 * A free one keeps its frame and its mapping in the kernel half until memory is short, so handing
 * it out or taking it back flushes nothing but its mapping in a user root.
 */
#ifndef ENTRY_TRAMPOLINE_H
#define ENTRY_TRAMPOLINE_H

#include <stdint.h>

struct cpu;
struct thread;

struct trampoline {
	uint64_t top;			/* its stack grows down from here; the page is below */
	uint64_t pa;
	uint64_t last_space;		/* tlb.id of its owner, or of the last; 0: it is zeroed */
	struct trampoline *next;	/* of the free ones */
};

/* A trampoline for a thread in the space @space, a tlb.id: no two spaces ever have the same. It
 * is zeroed when its last owner was in another one, of a process that ended perhaps. NULL: no
 * memory. IRQs off. */
struct trampoline *trampoline_alloc(uint64_t space);
void trampoline_free(struct trampoline *t);

/* Hooks of struct entry_design. thread->entry_data is the trampoline. */
int trampoline_setup_thread(struct thread *t);
void trampoline_retire_thread(struct thread *t);
void trampoline_switch_thread(struct cpu *cpu, struct thread *next);

/* For tests: @t's, or NULL when its design has none. */
const struct trampoline *trampoline_of(const struct thread *t);
/* For tests, while nothing else runs: what is wrong with the pool, or NULL; and how many are handed
 * out. */
const char *trampolines_check(uint64_t *in_use);

#endif
