/* SPDX-License-Identifier: MIT */
/* bootmem.c - the boot loader's memory map, as far as it is kept and used. */
#include "boot/bootmem.h"
#include <stddef.h>

/* The least RAM that the map could do without, or NULL. */
static struct mem_range *smallest_usable(struct bootinfo *bi)
{
	struct mem_range *least = NULL;

	for (struct mem_range *r = bi->mem; r < bi->mem + bi->mem_count; r++)
		if (r->usable && (!least || r->len < least->len))
			least = r;
	return least;
}

/* The table is full: RAM is given up, the least first. What is not RAM must stay known, or it
 * might be handed out. */
static void give_up_one(struct bootinfo *bi, const struct mem_range *new)
{
	struct mem_range *least = smallest_usable(bi);

	if (new->usable && (!least || new->len <= least->len)) {
		bi->mem_given_up += new->len;
	} else if (least) {
		bi->mem_given_up += least->len;
		*least = *new;
	} else {
		bi->mem_truncated = true;
	}
}

const char *bootmem_add(struct bootinfo *bi, uint64_t base, uint64_t len, bool usable)
{
	const struct mem_range r = { base, len, usable };

	if (!len)
		return NULL;
	if (base + len < base)
		return "the memory map has a range that runs past the end of the address space";
	if (bi->mem_count == BOOT_MEM_RANGES)
		give_up_one(bi, &r);
	else
		bi->mem[bi->mem_count++] = r;
	return NULL;
}

uint64_t bootmem_limit_ram(struct bootinfo *bi, uint64_t limit)
{
	uint64_t cut = 0;

	for (struct mem_range *r = bi->mem; r < bi->mem + bi->mem_count; r++) {
		uint64_t keep = r->base < limit ? limit - r->base : 0;

		if (r->usable && r->len > keep) {
			cut += r->len - keep;
			*r = (struct mem_range){ keep ? r->base : 0, keep, keep != 0 };
		}
	}
	return cut;
}
