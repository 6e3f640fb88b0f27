/* SPDX-License-Identifier: MIT */
/* madt.c - the interrupt hardware that the MADT names (ACPI 6.5, 5.2.12). */
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/acpi_table.h"
#include "kernel/console/printk.h"

struct madt {
	struct acpi_table head;
	uint32_t lapic_pa, flags;
} __attribute__((packed));

enum madt_type {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LAPIC_ADDRESS = 5,
	MADT_X2APIC = 9
};

struct madt_entry {
	uint8_t type, length;
} __attribute__((packed));

struct madt_lapic {
	struct madt_entry head;
	uint8_t processor, apic_id;
	uint32_t flags;
} __attribute__((packed));

struct madt_x2apic {
	struct madt_entry head;
	uint16_t reserved;
	uint32_t apic_id, flags, processor;
} __attribute__((packed));

struct madt_ioapic {
	struct madt_entry head;
	uint8_t id, reserved;
	uint32_t pa, gsi_base;
} __attribute__((packed));

struct madt_override {
	struct madt_entry head;
	uint8_t bus, source;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));

struct madt_lapic_address {
	struct madt_entry head;
	uint16_t reserved;
	uint64_t pa;
} __attribute__((packed));

#define LAPIC_ENABLED		1u
#define POLARITY(flags)		((flags) & 3)
#define TRIGGER(flags)		((flags) >> 2 & 3)
#define EXPLICITLY_OTHER	3	/* active low, level; ISA's own are high, edge */
#define BUS_ISA			0
#define ISA_IRQS		16

/* No CPU has the id @everybody of its form: what is sent there goes to all, and an INIT resets
 * them. */
static void add_cpu(uint32_t apic_id, uint32_t flags, uint32_t everybody)
{
	if (!(flags & LAPIC_ENABLED))
		return;
	if (apic_id == everybody) {
		printk("acpi: a CPU with APIC id %u ignored: that addresses all of them\n",
		       apic_id);
		return;
	}
	for (uint32_t i = 0; i < acpi.cpu_count; i++)
		if (acpi.cpu_apic_ids[i] == apic_id)
			return;		/* firmware may list a CPU in both forms */
	if (acpi.cpu_count < MAX_CPUS)
		acpi.cpu_apic_ids[acpi.cpu_count++] = apic_id;
	else
		acpi.cpus_left_out++;
}

static void add_ioapic(const struct madt_ioapic *e)
{
	if (acpi.ioapic_count < ACPI_IOAPICS)
		acpi.ioapics[acpi.ioapic_count++] = (struct ioapic_info){ e->pa, e->gsi_base };
	else
		printk("acpi: the IOAPIC at 0x%x is left out: at most %d\n", e->pa, ACPI_IOAPICS);
}

_Static_assert(sizeof(acpi.overrides) / sizeof(acpi.overrides[0]) == ISA_IRQS, "one for each");

/* The first one for each interrupt of the ISA bus; there are no others that anybody asks for. */
static void add_override(const struct madt_override *e)
{
	if (e->bus != BUS_ISA || e->source >= ISA_IRQS)
		return;
	for (uint32_t i = 0; i < acpi.override_count; i++)
		if (acpi.overrides[i].source == e->source)
			return;
	acpi.overrides[acpi.override_count++] = (struct irq_override){
		.source = e->source,
		.gsi = e->gsi,
		.active_low = POLARITY(e->flags) == EXPLICITLY_OTHER,
		.level = TRIGGER(e->flags) == EXPLICITLY_OTHER,
	};
}

static void add_lapic_address(uint64_t pa)
{
	if (pa % PAGE_SIZE == 0 && acpi_is_addressable(pa, PAGE_SIZE))
		acpi.lapic_pa = pa;
	else
		printk("acpi: the local APIC's address 0x%lx ignored: no page of this processor "
		       "begins there\n", pa);
}

/* False when @e is too short for its type. */
static bool add_entry(const struct madt_entry *e)
{
	const void *p = e;

	switch (e->type) {
	case MADT_LAPIC:
		if (e->length < sizeof(struct madt_lapic))
			return false;
		add_cpu(((const struct madt_lapic *)p)->apic_id,
			((const struct madt_lapic *)p)->flags, UINT8_MAX);
		return true;
	case MADT_X2APIC:
		if (e->length < sizeof(struct madt_x2apic))
			return false;
		add_cpu(((const struct madt_x2apic *)p)->apic_id,
			((const struct madt_x2apic *)p)->flags, UINT32_MAX);
		return true;
	case MADT_IOAPIC:
		if (e->length < sizeof(struct madt_ioapic))
			return false;
		add_ioapic(p);
		return true;
	case MADT_OVERRIDE:
		if (e->length < sizeof(struct madt_override))
			return false;
		add_override(p);
		return true;
	case MADT_LAPIC_ADDRESS:
		if (e->length < sizeof(struct madt_lapic_address))
			return false;
		add_lapic_address(((const struct madt_lapic_address *)p)->pa);
		return true;
	default:
		return true;
	}
}

bool acpi_parse_madt(const struct acpi_table *t)
{
	const struct madt *m = (const void *)t;
	const uint8_t *at = (const uint8_t *)(m + 1), *end = (const uint8_t *)m + m->head.length;

	acpi.lapic_pa = LAPIC_DEFAULT_PA;
	add_lapic_address(m->lapic_pa);
	while (at < end) {
		const struct madt_entry *e = (const void *)at;

		if (end - at < (int)sizeof(*e) || e->length < sizeof(*e) || e->length > end - at ||
		    !add_entry(e))
			return false;
		at += e->length;
	}
	return acpi.cpu_count > 0;
}
