/* SPDX-License-Identifier: MIT */
/* plant.h - for tests of the invariants: something is made wrong, must be found, and is put right
 * again. */
#ifndef TESTS_PLANT_H
#define TESTS_PLANT_H

#include "kernel/console/printk.h"
#include "kernel/lib/string.h"
#include "tests/kernel/invariants.h"
#include "tests/kernel/ktest.h"

static inline bool plant_says(const char *text, const char *part)
{
	size_t len = strlen(part);

	for (; text && *text; text++)
		if (!strncmp(text, part, len))
			return true;
	return false;
}

/* Now the check must say something with @part in it. */
static inline bool plant_found(const char *part)
{
	const char *wrong = invariants_check();

	if (plant_says(wrong, part))
		return true;
	printk("# wanted: %s; said: %s\n", part, wrong ? wrong : "nothing is wrong");
	return false;
}

/* @lvalue is @value meanwhile. */
#define PLANT(lvalue, value, part)			\
	do {						\
		__typeof__(lvalue) was = (lvalue);	\
		(lvalue) = (value);			\
		KCHECK(plant_found(part));		\
		(lvalue) = was;				\
	} while (0)

#endif
