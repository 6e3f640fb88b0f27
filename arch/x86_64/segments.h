/* SPDX-License-Identifier: MIT */
/* segments.h - a program's FS base and data-segment selectors, kept per thread. */
#ifndef ARCH_SEGMENTS_H
#define ARCH_SEGMENTS_H

#include <stdint.h>

struct user_segments {
	uint64_t fs_base;
	uint64_t selectors;		/* DS, ES, FS, GS, 16 bits each */
};

/* IRQs off, kernel GS. @s becomes what the CPU holds. */
void segments_save(struct user_segments *s);
/* Give the CPU @s. What another program loaded never shows. */
void segments_load(const struct user_segments *s);

#endif
