/* SPDX-License-Identifier: MIT */
/* string.h - strings and numbers; memory, and what gcc itself calls, is the kernel's. */
#ifndef USER_STRING_H
#define USER_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/lib/string.h"

bool starts_with(const char *s, const char *prefix);

/* The decimal number at the start of @s; 0 when there is none. No overflow check. */
uint64_t parse_number(const char *s);

/* Ascending. In place, O(n * n) at worst: for a few hundred samples. */
void sort_u64(uint64_t *v, size_t n);

#endif
