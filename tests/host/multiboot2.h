/* SPDX-License-Identifier: MIT */
/* multiboot2.h - for the tests: put multiboot2 information together tag by tag, and parse it. */
#ifndef TESTS_HOST_MULTIBOOT2_H
#define TESTS_HOST_MULTIBOOT2_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/bootinfo.h"

static struct bootinfo bi;

static uint8_t info[16384];
static size_t used;

static inline void put(const void *p, size_t n)
{
	assert_true(used + n <= sizeof(info));
	memcpy(info + used, p, n);
	used += n;
}

static inline void put32(uint32_t v)
{
	put(&v, sizeof(v));
}

static inline void put64(uint64_t v)
{
	put(&v, sizeof(v));
}

static inline void tag(uint32_t type, uint32_t size)
{
	while (used % 8)
		info[used++] = 0;
	put32(type);
	put32(size);
}

static inline void begin(void)
{
	used = 0;
	put64(0);
}

/* One usable range, so that only what a test adds can be wrong. */
static inline void memory(void)
{
	tag(6, 16 + 24);
	put32(24);
	put32(0);
	put64(0x100000);
	put64(0x700000);
	put64(1);
}

static inline void end(void)
{
	uint32_t total;

	tag(0, 8);
	total = used;
	memcpy(info, &total, sizeof(total));
}

/* Parse a copy of exactly @size bytes: AddressSanitizer sees any read past it. */
static inline const char *parse_sized(size_t size)
{
	void *copy = malloc(size);
	const char *why;

	memcpy(copy, info, size);
	memset(&bi, 0xa5, sizeof(bi));
	why = bootinfo_parse_multiboot2(&bi, copy, size);
	free(copy);
	return why;
}

static inline const char *parse(void)
{
	return parse_sized(used);
}

static inline void assert_malformed(const char *why, const char *about)
{
	assert_non_null(why);
	if (!strstr(why, about))
		fail_msg("expected a sentence about \"%s\", got \"%s\"", about, why);
}

#endif
