/* SPDX-License-Identifier: MIT */
/* acpi_table.h - for the readers of ACPI tables: the head of each (ACPI 6.5, 5.2.6). */
#ifndef ARCH_ACPI_TABLE_H
#define ARCH_ACPI_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct acpi_table {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

/* Does this processor have these physical addresses? One beyond them in a page table is a fault. */
bool acpi_is_addressable(uint64_t pa, uint64_t len);

#define LAPIC_DEFAULT_PA	0xfee00000

#define ACPI_MADT_SIZE	(sizeof(struct acpi_table) + 8)	/* bytes, at least */

/* Fill `acpi` from the MADT @t, whose length and checksum are right and which has ACPI_MADT_SIZE
 * bytes. False when an entry is malformed, or none names a CPU. */
bool acpi_parse_madt(const struct acpi_table *t);

#endif
