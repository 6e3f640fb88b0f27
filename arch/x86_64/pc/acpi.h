/* SPDX-License-Identifier: MIT */
/* acpi.h - RSDP -> RSDT/XSDT -> MADT and FADT, checksums and lengths checked. */
#ifndef ARCH_ACPI_H
#define ARCH_ACPI_H

#include <stdbool.h>
#include <stdint.h>
#include "boot/bootinfo.h"
#include "mm/layout.h"

struct irq_override {
	uint8_t source;			/* ISA IRQ, 0 to 15 */
	uint32_t gsi;
	bool active_low, level;
};

#define ACPI_IOAPICS	32

struct acpi_info {
	bool present;			/* a valid MADT was found */
	uint64_t lapic_pa;
	struct ioapic_info {
		uint64_t pa;
		uint32_t gsi_base;	/* its pin 0's global interrupt; not always 0 */
	} ioapics[ACPI_IOAPICS];
	uint32_t ioapic_count;
	uint32_t cpu_apic_ids[MAX_CPUS];	/* enabled CPUs, boot CPU wherever it stands */
	uint32_t cpu_count;
	uint32_t cpus_left_out;		/* beyond MAX_CPUS */
	struct irq_override overrides[16];
	uint32_t override_count;
	uint16_t pm_timer_port;		/* I/O port of the PM timer, 0 when none */
};

extern struct acpi_info acpi;

/* Fill `acpi`. Tables are read through the direct map where they are RAM and mapped otherwise.
 * Without ACPI it says so on the console and leaves the architectural defaults: one CPU, LAPIC
 * and IOAPIC at their usual addresses. */
void acpi_init(const struct bootinfo *bi);

#endif
