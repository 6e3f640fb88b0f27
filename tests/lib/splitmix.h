/* SPDX-License-Identifier: MIT */
/*
 * splitmix.h - SplitMix64: random numbers for tests, in programs and in the kernel's probe.
 *
 * Any seed will do, 0 included, and each state comes once in 2^64 (Steele, Lea, Flood: Fast
 * Splittable Pseudorandom Number Generators, OOPSLA 2014).
 */
#ifndef TESTS_SPLITMIX_H
#define TESTS_SPLITMIX_H

#include <stdint.h>

#define SPLITMIX_STEP	0x9e3779b97f4a7c15ul

/* A bijection that spreads every bit over the word: a different word for every @x. */
static inline uint64_t splitmix_mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ul;
	x = (x ^ x >> 27) * 0x94d049bb133111ebul;
	return x ^ x >> 31;
}

static inline uint64_t splitmix_next(uint64_t *state)
{
	return splitmix_mix(*state += SPLITMIX_STEP);
}

#endif
