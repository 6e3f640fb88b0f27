/* SPDX-License-Identifier: MIT */
/*
 * bystander.h - someone who minds his own registers while others misbehave.
 *
 * A round loads a pattern into every register a program owns, does something
 * that is not supposed to change them (spin until the timer preempts, or
 * yield), stores all of them again, and compares.
 */
#ifndef USER_BYSTANDER_H
#define USER_BYSTANDER_H

#include <stdbool.h>
#include <stdint.h>
#include "thread.h"

#define VECTOR_REGISTERS 16

/* Every register of a user program. bystander.asm has the same layout as a NASM struc. */
struct machine_state {
	uint8_t vec[VECTOR_REGISTERS][32];	/* YMM; without AVX only the low halves are used */
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t flags;
	uint64_t selectors;		/* DS, ES, FS, GS, 16 bits each; only stored */
	uint64_t fs_word;		/* the word at FS base; only stored */
} __attribute__((aligned(32)));

/* A thread's own: what tells its patterns from everybody else's. The thread's stack is a good
 * place. */
struct bystander {
	uint64_t id, round;
	uint64_t selectors;		/* what it loaded */
	uint64_t fs_word;		/* at its FS base */
	bool avx;
};

struct bystander_thread {
	struct user_thread thread;
	uint64_t id;
	bool stop, good;
	uint64_t rounds;		/* that are done, and changed nothing */
};

/* Take the calling thread's FS base and data selectors, until bystander_end(). False: this file
 * and its assembly do not agree, nothing can be checked. @b stays where it is meanwhile. */
bool bystander_begin(struct bystander *b, uint64_t id);
void bystander_end(void);
/* A round that spins for a few thousand instructions. Prints what changed; true when nothing
 * did. */
bool bystander_spin_round(struct bystander *b);
/* A round that makes system call @number(@arg), whose result goes to *@result. */
bool bystander_call_round(struct bystander *b, uint64_t number, uint64_t arg, long *result);

/* Any action, in two steps. Its three registers are the caller's; what it returns in RAX, and
 * RCX and R11 when it makes a system call, is not compared. */
struct bystander_act {
	void (*action)(void);		/* changes no other register */
	uint64_t rax, rdi, rsi;
	bool syscall;
	struct machine_state want, seen;
};
void bystander_act(struct bystander *b, struct bystander_act *a);
/* Prints what changed; true when nothing did. */
bool bystander_unchanged(const struct bystander *b, struct bystander_act *a);
/* The action of a system call: number in RAX. */
void bystander_syscall(void);

/* Run @rounds rounds, or until *@stop when it is not NULL, with patterns that depend on @id.
 * Sets the calling thread's FS base and data selectors. Prints what changed; true when nothing
 * did. */
bool bystander_rounds(uint64_t id, uint64_t rounds, const bool *stop);

/* The same on a new thread, until bystander_stop(). 0 or a negative error. */
int bystander_start(struct bystander_thread *b, uint64_t id);
/* Wait until it has begun and ended a round from now on. True when no register has changed so
 * far. */
bool bystander_unharmed(const struct bystander_thread *b);
/* End it. True when no register ever changed, and at least one round was done. */
bool bystander_stop(struct bystander_thread *b);

/* Current DS, ES, FS, GS, 16 bits each. */
uint64_t read_selectors(void);

#endif
