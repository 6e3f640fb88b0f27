/* SPDX-License-Identifier: MIT */
/* acpitables.h - for host tests of arch/x86_64/pc/acpi.c: tables in memory, and what acpi.c needs
 * from the kernel. */
#ifndef TESTS_ACPITABLES_H
#define TESTS_ACPITABLES_H

#include <string.h>
#include "tests/host/machine.h"
#include "tests/host/physmem.h"
#include "arch/x86_64/pc/acpi.h"
#include "mm/kspace.h"

#define RSDP_PA	0x1000ul
#define XSDT_PA	0x2000ul
#define MADT_PA	0x3000ul
#define HEADER	36			/* bytes of a table's head (ACPI 6.5, 5.2.6) */
#define ENABLED	1u

/* --- what acpi.c needs from the kernel --------------------------------------- */

bool kspace_in_direct_map(uint64_t pa, uint64_t len)
{
	return pa < PHYS_BYTES && len <= PHYS_BYTES - pa;
}

/* What lies above the RAM: a table that is not the MADT. */
static uint8_t high_table[HEADER] = "HPET";
static uint64_t high_table_pa;

volatile void *kspace_map_mmio(uint64_t pa, uint64_t len)
{
	if (pa != high_table_pa || len > sizeof(high_table))
		fail_msg("0x%lx bytes at 0x%lx were mapped", (unsigned long)len, (unsigned long)pa);
	return high_table;
}

static char console[4096];

void printk(const char *fmt, ...)
{
	size_t used = strlen(console);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(console + used, sizeof(console) - used, fmt, ap);
	va_end(ap);
}

/* --- building tables ----------------------------------------------------------- */

static uint8_t *madt, *madt_end;

static void put(const void *bytes, size_t n)
{
	memcpy(madt_end, bytes, n);
	madt_end += n;
}

static void set_checksum(uint8_t *table, size_t len, size_t at)
{
	uint8_t sum = 0;

	table[at] = 0;
	for (size_t i = 0; i < len; i++)
		sum += table[i];
	table[at] = -sum;
}

static void finish(uint8_t *table, const char *signature, uint32_t len)
{
	memcpy(table, signature, 4);
	memcpy(table + 4, &len, 4);
	set_checksum(table, len, 9);
}

/* An RSDP and an XSDT that names the MADT; the MADT with no entries yet. */
static void begin_tables(void)
{
	uint8_t *rsdp = phys + RSDP_PA, *xsdt = phys + XSDT_PA;
	uint64_t xsdt_pa = XSDT_PA, madt_pa = MADT_PA;
	uint32_t lapic_pa = 0xfee00000, rsdp_len = 36;

	memset(phys, 0, MADT_PA + 0x1000);
	plant_nothing();
	plant_leaf(0x80000000, 0, (struct cpuid_regs){ .eax = 0x80000008 });
	plant_leaf(0x80000008, 0, (struct cpuid_regs){ .eax = 0x3028 });	/* 40 bits */
	memset(&acpi, 0, sizeof(acpi));
	console[0] = '\0';
	memcpy(rsdp, "RSD PTR ", 8);
	rsdp[15] = 2;
	memcpy(rsdp + 20, &rsdp_len, 4);
	memcpy(rsdp + 24, &xsdt_pa, 8);
	set_checksum(rsdp, 20, 8);
	set_checksum(rsdp, 36, 32);
	memcpy(xsdt + HEADER, &madt_pa, 8);
	finish(xsdt, "XSDT", HEADER + 8);
	high_table_pa = 0;
	madt = phys + MADT_PA;
	madt_end = madt + HEADER;
	put(&lapic_pa, 4);
	put("\0\0\0\0", 4);
}

static void add_lapic(uint8_t apic_id, uint32_t flags)
{
	const uint8_t head[] = { 0, 8, 0, apic_id };

	put(head, sizeof(head));
	put(&flags, 4);
}

static inline void add_x2apic(uint32_t apic_id, uint32_t flags)
{
	const uint8_t head[] = { 9, 16, 0, 0 };

	put(head, sizeof(head));
	put(&apic_id, 4);
	put(&flags, 4);
	put("\0\0\0\0", 4);
}

static void init(void)
{
	struct bootinfo bi = { .rsdp_pa = RSDP_PA };

	acpi_init(&bi);
}

static void end_tables(void)
{
	finish(madt, "APIC", madt_end - madt);
	init();
}

static inline void assert_defaults(const char *reason)
{
	assert_false(acpi.present);
	assert_int_equal(acpi.cpu_count, 1);
	assert_true(acpi.lapic_pa == 0xfee00000);
	assert_true(acpi.ioapic_count == 1 && acpi.ioapics[0].pa == 0xfec00000);
	if (!strstr(console, reason) || !strstr(console, "assuming one CPU"))
		fail_msg("the console lacks \"%s\": %s", reason, console);
}

#endif
