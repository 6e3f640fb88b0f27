/* SPDX-License-Identifier: MIT */
/* ksyms.c - address to symbol, in the table that tools/gen_ksyms.py makes of the linked kernel. */
#include <stddef.h>
#include "kernel/console/panic.h"

struct ksym {
	uint64_t address;		/* ascending */
	uint32_t name;			/* offset into ksyms_names */
} __attribute__((packed));

/* Weak: the first of the two links has no table yet. */
extern const struct ksym ksyms_start[] __attribute__((weak));
extern const struct ksym ksyms_end[] __attribute__((weak));
extern const char ksyms_names[] __attribute__((weak));
extern const char kernel_text_start[], kernel_text_end[];

const char *ksym_lookup(uint64_t address, uint64_t *offset)
{
	const struct ksym *low = ksyms_start, *high = ksyms_end;

	if (address < (uint64_t)kernel_text_start || address >= (uint64_t)kernel_text_end)
		return NULL;
	if (low == high || address < low->address)
		return NULL;
	/* low is at or below the address, high is above it or the end. */
	while (high - low > 1) {
		const struct ksym *middle = low + (high - low) / 2;

		if (middle->address <= address)
			low = middle;
		else
			high = middle;
	}
	*offset = address - low->address;
	return ksyms_names + low->name;
}
