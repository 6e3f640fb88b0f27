/* SPDX-License-Identifier: MIT */
/* physmem.h - a machine's memory for host tests: an array, and panics that can be expected. */
#ifndef TESTS_PHYSMEM_H
#define TESTS_PHYSMEM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "kernel/console/panic.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"

#define PHYS_BYTES 0x1000000ul		/* 16 MiB, from physical address 0 */

static uint8_t phys[PHYS_BYTES] __attribute__((aligned(4096)));

void *phys_to_virt(uint64_t pa)
{
	if (pa >= PHYS_BYTES)
		fail_msg("physical address 0x%lx is outside the test's memory", (unsigned long)pa);
	return phys + pa;
}

static jmp_buf panic_jump;
static bool panic_expected;
static char panic_text[256];

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(panic_text, sizeof(panic_text), fmt, ap);
	va_end(ap);
	if (!panic_expected)
		fail_msg("panic: %s", panic_text);
	longjmp(panic_jump, 1);
}

/* Run @statement, which must panic with a message that contains @part. */
#define EXPECT_PANIC(statement, part)						\
	do {									\
		panic_text[0] = '\0';						\
		panic_expected = true;						\
		if (!setjmp(panic_jump)) {					\
			statement;						\
			fail_msg("%s did not panic", #statement);		\
		}								\
		panic_expected = false;						\
		if (!strstr(panic_text, part))					\
			fail_msg("panic said \"%s\", not \"%s\"", panic_text, part); \
	} while (0)

#endif
