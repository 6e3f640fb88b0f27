/* SPDX-License-Identifier: MIT */
/* ioapic.h - route ISA interrupts, source overrides honoured. */
#ifndef ARCH_IOAPIC_H
#define ARCH_IOAPIC_H

#include <stdint.h>

void ioapic_init(void);			/* map it, mask every pin; also masks the legacy 8259s. After acpi_init() */
/* Route ISA interrupt @isa to @vector on CPU @apic_id and unmask it. Returns the pin, or -1. */
int ioapic_route_isa(unsigned isa, uint8_t vector, uint32_t apic_id);

#endif
