/* SPDX-License-Identifier: MIT */
/* ioapic.h - route ISA interrupts, source overrides honoured. */
#ifndef ARCH_IOAPIC_H
#define ARCH_IOAPIC_H

#include <stdint.h>

/* Move the legacy 8259s out of the exceptions' way and mask them. Before lapic_enable(): while
 * LINT0 still carries their line, a request that firmware's timer left pending is withdrawn from
 * the CPU; later it would be an interrupt that no controller knows of. */
void pic_disable(void);
void ioapic_init(void);			/* map all, mask every pin. After acpi_init() */
/* Route ISA interrupt @isa to @vector on CPU @apic_id and unmask it. Returns the pin, or -1 where
 * no IOAPIC has its global interrupt. */
int ioapic_route_isa(unsigned isa, uint8_t vector, uint32_t apic_id);

#endif
