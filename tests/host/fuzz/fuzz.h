/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what the fuzz harnesses of the kernel's parsers share.
 *
 * A harness takes bytes from libFuzzer, makes from them what the parser reads, and compares the
 * parser with a second reader that is written for plainness.  What the parser gets lies in memory
 * of exactly its size, so that AddressSanitizer sees a read of one byte too many.
 * Its second line names the kernel's sources: only their edges are counted and followed.
 */
#ifndef TESTS_HOST_FUZZ_H
#define TESTS_HOST_FUZZ_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input.  libFuzzer keeps the input where it does not. */
#define MUST(condition)								\
	do {									\
		if (!(condition)) {						\
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__,	\
				__LINE__, #condition);				\
			abort();						\
		}								\
	} while (0)

/* --- the input, read from its start; after its end there are zeros --------------- */

struct input {
	const uint8_t *at;
	size_t left;
};

static inline size_t take(struct input *in, void *to, size_t n)
{
	size_t have = n < in->left ? n : in->left;

	memset(to, 0, n);
	if (have)
		memcpy(to, in->at, have);
	in->at += have;
	in->left -= have;
	return have;
}

static inline uint8_t take8(struct input *in)
{
	uint8_t v;

	take(in, &v, sizeof(v));
	return v;
}

static inline uint16_t take16(struct input *in)
{
	uint16_t v;

	take(in, &v, sizeof(v));
	return v;
}

/* --- memory --------------------------------------------------------------------- */

/* A copy of exactly @n bytes; free() it. */
static inline void *exact_copy(const void *from, size_t n)
{
	void *copy = malloc(n);

	MUST(copy);
	if (n)
		memcpy(copy, from, n);
	return copy;
}

static inline uint64_t read64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t read32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

#endif
