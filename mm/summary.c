/* SPDX-License-Identifier: MIT */
/* summary.c - a set of numbers with an index over it, 64 to one at each level. */
#include "mm/summary.h"
#include "mm/physmap.h"

static uint64_t words_for(uint64_t count)
{
	return (count + 63) / 64;
}

uint64_t summary_words(uint64_t count)
{
	uint64_t words = 0;

	for (unsigned l = 0; l < SUMMARY_LEVELS; l++) {
		count = words_for(count);
		words += count;
	}
	return words;
}

void summary_init(struct summary *s, uint64_t pa, uint64_t count)
{
	s->count = count;
	for (unsigned l = 0; l < SUMMARY_LEVELS; l++) {
		count = words_for(count);
		s->pa[l] = pa;
		pa += count * 8;
	}
}

/* Up to the first level where the word does not change between 0 and not 0. */
void summary_put(struct summary *s, uint64_t n, int in)
{
	for (unsigned l = 0; l < SUMMARY_LEVELS; l++, n /= 64) {
		uint64_t *word = (uint64_t *)phys_to_virt(s->pa[l]) + n / 64, old = *word,
			 bit = 1ul << n % 64;

		*word = in ? old | bit : old & ~bit;
		if (!old == !*word)
			return;
	}
}

/* Up until a word has something at or above the place, then down by its lowest bit. */
uint64_t summary_next(const struct summary *s, uint64_t from)
{
	uint64_t count = s->count, n = from;

	for (unsigned l = 0; l < SUMMARY_LEVELS && n < count; l++) {
		uint64_t word = ((uint64_t *)phys_to_virt(s->pa[l]))[n / 64] & ~0ul << n % 64;

		if (word) {
			n = n / 64 * 64 + __builtin_ctzl(word);
			while (l--)
				n = n * 64 +
				    __builtin_ctzl(((uint64_t *)phys_to_virt(s->pa[l]))[n]);
			return n;
		}
		n = n / 64 + 1;
		count = words_for(count);
	}
	return SUMMARY_NONE;
}
