/* SPDX-License-Identifier: MIT */
/* fuzz.h - the parts of the fuzzer: who calls what, in which process, and who must notice nothing
 * of it. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stdint.h>

#define LIFE_CALLS	5100		/* that one process makes at most, */
#define CALLS_UNIT	20		/* so that its exit code can tell how many these were */

/* --- calls.c: in a process that calls at random ----------------------------------------- */

#define KNOWN		16		/* numbers of each kind that a process remembers */
#define RANGES		32

/* What a process's threads know together. They write it at random too, without locks: a wrong
 * number is as good. */
struct known {
	uint64_t tid[KNOWN], pid[KNOWN];
	uint64_t at[RANGES], len[RANGES];	/* ranges that map() returned */
	uint64_t keeper;			/* its tid: nobody stops that thread */
	uint64_t calls;
};
extern struct known known;

/* One system call, or a sequence of some, drawn by *@seed; counts them in known.calls. */
void call_something(uint64_t *seed);
/* A sequence that threads cut short for each other: sequences.c. */
void call_sequence(uint64_t *seed);

/* Values that are right, nearly right, or at a limit. */
uint64_t draw_tid(uint64_t *seed);
uint64_t draw_address(uint64_t *seed);
uint64_t draw_length(uint64_t *seed);
/* System call @number, counted. */
long call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/* One of these in @n. */
bool chance(uint64_t *seed, uint64_t n);
void remember(uint64_t *table, uint64_t value, uint64_t *seed);

/* --- life.c ------------------------------------------------------------------------------- */

/* In a child: threads that call at random, until LIFE_CALLS are made, or the process's end. */
int live(uint64_t seed);
/* A further thread of those, if there is a stack for it: its tid or an error. */
long add_caller(uint64_t *seed);

/* --- honest.c -------------------------------------------------------------------------------- */

/* Threads whose registers, joins and waits must be right whatever others do. Begin; end: true when
 * all were. */
bool honest_begin(uint64_t seed);
bool honest_end(void);
int honest_child(uint64_t code);

#endif
