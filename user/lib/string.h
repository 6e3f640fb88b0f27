/* SPDX-License-Identifier: MIT */
/* string.h - memory and strings. The first four gcc itself calls. */
#ifndef USER_STRING_H
#define USER_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
bool starts_with(const char *s, const char *prefix);

/* The decimal number at the start of @s; 0 when there is none. No overflow check. */
uint64_t parse_number(const char *s);

/* Ascending. In place, O(n * n) at worst: for a few hundred samples. */
void sort_u64(uint64_t *v, size_t n);

#endif
