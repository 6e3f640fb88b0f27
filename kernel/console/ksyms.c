/* SPDX-License-Identifier: MIT */
/* ksyms.c - address to symbol, in the table that tools/gen_ksyms.py makes of the linked kernel. */
#include <stdbool.h>
#include <stddef.h>
#include "kernel/console/panic.h"
#include "kernel/lib/image.h"

struct ksym {
	uint64_t address;		/* ascending */
	uint32_t name;			/* offset into the names */
} __attribute__((packed));

extern const char kernel_text_start[], kernel_text_end[];

static bool is_text(uint64_t address)
{
	return (address >= (uint64_t)kernel_text_start && address < (uint64_t)kernel_text_end) ||
	       (address >= (uint64_t)image.probe_text && address < (uint64_t)image.probe_text_end);
}

/* The first of the two links has no table yet. */
const char *ksym_lookup(uint64_t address, uint64_t *offset)
{
	const struct ksym *low = image.ksyms, *high = image.ksyms_end;

	if (!is_text(address))
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
	return image.ksyms_names + low->name;
}
