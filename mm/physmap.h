/* SPDX-License-Identifier: MIT */
/*
 * physmap.h - physical memory as the kernel sees it.
 *
 * Through the direct map in the kernel, where that reaches (kspace_in_direct_map());
 * through an array on the host.  phys_offset is 0, the early identity map of the first
 * 4 GiB, until kspace_init() has built the direct map.
 */
#ifndef MM_PHYSMAP_H
#define MM_PHYSMAP_H

#include <stdint.h>
#include "mm/layout.h"

#ifdef VESTIBULE_HOST
void *phys_to_virt(uint64_t pa);
#else
extern uint64_t phys_offset;
static inline void *phys_to_virt(uint64_t pa)
{
	return (void *)(pa + phys_offset);
}
#endif

/* Zero @words 64-bit words at @p. One instruction, which icount counts once per word, like any
 * other way to do it. */
static inline void zero_words(void *p, uint64_t words)
{
	__asm__ volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(0ul) : "memory");
}

static inline void page_zero(void *page)
{
	zero_words(page, PAGE_SIZE / 8);
}

#endif
