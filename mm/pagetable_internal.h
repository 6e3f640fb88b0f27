/* SPDX-License-Identifier: MIT */
/* pagetable_internal.h - what mm/pagetable.c and mm/ptwalk.c share. */
#ifndef MM_PAGETABLE_INTERNAL_H
#define MM_PAGETABLE_INTERNAL_H

#include "mm/pagetable.h"
#include "mm/physmap.h"

#define LEVELS		4

static inline uint64_t *table_at(uint64_t entry)
{
	return phys_to_virt(entry & PTE_ADDR);
}

/* Give a table back that is linked nowhere. */
void free_table(uint64_t pa);

#endif
