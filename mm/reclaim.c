/* SPDX-License-Identifier: MIT */
/* reclaim.c - the kernel's own pools shrink when memory is short: stacks first, for their records
 * are heap objects. */
#include "mm/reclaim.h"
#include "mm/heap.h"
#include "mm/slots.h"

bool pools_shrink(void)
{
	return slots_shrink() || heap_shrink();
}
