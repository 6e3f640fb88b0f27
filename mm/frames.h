/* SPDX-License-Identifier: MIT */
/* frames.h - the physical frame allocator. */
#ifndef MM_FRAMES_H
#define MM_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "boot/bootinfo.h"

/* Build the allocator over the usable ranges of @mem, rounded inwards; everything that any
 * non-usable range or any of @reserved touches is never handed out, nor are frame 0 and the
 * first MiB. Its bitmaps live in memory it takes for itself, below 4 GiB, so that phys_to_virt()
 * reaches them early too. Panics when there is no room for them. */
void frames_init(const struct mem_range *mem, size_t count, const struct mem_range *reserved,
		 size_t reserved_count);

/* One frame: physical address, contents undefined; 0 when memory is short. Some hundred
 * instructions at most, on any machine. Any context; takes the frame lock. */
uint64_t frame_alloc(void);
uint64_t frame_alloc_zeroed(void);
/* 2^order contiguous frames aligned to their size (order 0 or 1), or 0. */
uint64_t frames_alloc_order(unsigned order);
/* Give back. A frame that is already free, or was never the allocator's, panics by name. */
void frame_free(uint64_t pa);
void frames_free_order(uint64_t pa, unsigned order);

/* probe.allocation_fails has changed: single frames come by a way that asks it, or do not. */
void frames_forget_hint(void);

/* For tests, while nothing else runs. Mark a frame that is handed out (@free), or take the mark
 * off again: until then the map of free frames alone has it as free. False: it was not handed
 * out, or is marked already, or is none. */
bool frame_mark(uint64_t pa, bool free);
/* Do the maps, the summary of pairs, and the count say the same? Looks at all of them. */
bool frames_agree(void);

uint64_t frames_used(void);		/* handed out now */
uint64_t frames_total(void);		/* that the allocator owns */
bool frames_is_ram(uint64_t pa);	/* below RAM's end, and not between RAM and 4 GiB, where
					 * devices are */
uint64_t frames_ram_end(void);		/* end of the highest usable byte, page aligned */

#endif
