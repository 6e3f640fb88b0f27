/* SPDX-License-Identifier: MIT */
/* fire_text.c - the entry text that runs in a design, as one row of bytes. */
#include "arch/x86_64/cpu.h"
#include "entry/design.h"
#include "tests/kernel/fire.h"

#define FILL 0xcc				/* linker.ld */

const struct entry_design *fire_design;

uint64_t fire_own_size(void)
{
	return (uint64_t)(fire_design->text_end - fire_design->text_start);
}

uint64_t fire_text_size(void)
{
	return fire_own_size() +
	       (uint64_t)(fire_design->shared_text_end - fire_design->shared_text_start);
}

uint64_t fire_address(uint64_t offset)
{
	if (offset < fire_own_size())
		return (uint64_t)fire_design->text_start + offset;
	return (uint64_t)fire_design->shared_text_start + offset - fire_own_size();
}

uint64_t fire_offset(uint64_t rip)
{
	uint64_t offset = rip - (uint64_t)fire_design->text_start;

	if (!entry_text_holds(fire_design, rip))
		return FIRE_TEXT_MAX;
	if (offset >= fire_own_size())
		offset = fire_own_size() + rip - (uint64_t)fire_design->shared_text_start;
	return offset < FIRE_TEXT_MAX ? offset : FIRE_TEXT_MAX;
}

bool fire_is_fill(uint64_t offset)
{
	const struct entry_design *d = fire_design;
	const char *end = offset < fire_own_size() ? d->text_end : d->shared_text_end;

	for (const char *at = (const char *)fire_address(offset); at < end; at++)
		if ((uint8_t)*at != FILL)
			return false;
	return true;
}
