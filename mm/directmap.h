/* SPDX-License-Identifier: MIT */
/* directmap.h - all RAM at DIRECT_MAP_BASE, in pages as large as the memory map allows. Runs on
 * the host too. */
#ifndef MM_DIRECTMAP_H
#define MM_DIRECTMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "boot/bootinfo.h"

struct direct_map {
	const struct mem_range *mem;	/* the firmware's ranges */
	size_t count;
	uint64_t end;			/* physical: no RAM from here on */
	struct { uint64_t start, end; } read_only[2];	/* the image's frames that are so
							 * everywhere */
	uint64_t flags;			/* of every page, besides PTE_W */
	bool huge;			/* the processor has 1 GiB pages */
};

/* Build it in @root. 0 or -ENOMEM. Boot CPU. */
int direct_map_build(const struct direct_map *m, uint64_t root);

#endif
