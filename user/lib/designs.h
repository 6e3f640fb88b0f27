/* SPDX-License-Identifier: MIT */
/* designs.h - the entry designs by number, as spawn_with() and design() have them. */
#ifndef USER_DESIGNS_H
#define USER_DESIGNS_H

enum design {
#define ENTRY_DESIGN(id, name, summary) DESIGN_##id,
#include "entry/registry.h"
#undef ENTRY_DESIGN
	DESIGN_COUNT
};

/* Its name, as entry= has it; "?" where there is none of that number. */
const char *design_name(unsigned long number);

#endif
