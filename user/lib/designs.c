/* SPDX-License-Identifier: MIT */
/* designs.c - the entry designs by number. */
#include "user.h"
#include "designs.h"

const char *design_name(unsigned long number)
{
	static const char *const names[] = {
#define ENTRY_DESIGN(id, name, summary) name,
#include "entry/registry.h"
#undef ENTRY_DESIGN
	};

	return number < DESIGN_COUNT ? names[number] : "?";
}
