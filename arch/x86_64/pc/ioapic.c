/* SPDX-License-Identifier: MIT */
/* ioapic.c - the IOAPICs (Intel 82093AA data sheet), and the 8259s put to rest. */
#include <stdbool.h>
#include <stddef.h>
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/ioapic.h"
#include "arch/x86_64/x86.h"
#include "kernel/console/printk.h"
#include "kernel/sync/spinlock.h"
#include "mm/kspace.h"

#define IOAPIC_SELECT	0x00		/* register index; data in the window */
#define IOAPIC_WINDOW	0x10
#define IOAPIC_SIZE	0x20
#define REG_VERSION	0x01
#define REG_PIN(n)	(0x10 + 2 * (n))	/* low word; the high one follows */

#define PIN_ACTIVE_LOW	(1u << 13)
#define PIN_LEVEL	(1u << 15)
#define PIN_MASKED	(1u << 16)

#define PIC1		0x20
#define PIC2		0xa0
#define PIC_INIT	0x11		/* ICW1: edge, cascade, ICW4 follows */
#define PIC_8086	0x01		/* ICW4 */
#define PIC_VECTORS	0xe0		/* where no device lives: a spurious IRQ must not look
					 * like an exception */

#define NOT_THERE	0xffffffffu	/* what a bus without a device answers */

struct ioapic {
	volatile uint32_t *base;
	uint32_t gsi_base, pins;	/* @pins global interrupts from gsi_base on arrive here */
};

static struct ioapic ioapics[ACPI_IOAPICS];
static unsigned ioapic_count;
static struct spinlock lock;		/* the index and window registers are one resource */

static uint32_t read(const struct ioapic *io, uint8_t reg)
{
	mmio_write(&io->base[IOAPIC_SELECT / 4], reg);
	return mmio_read(&io->base[IOAPIC_WINDOW / 4]);
}

static void write(const struct ioapic *io, uint8_t reg, uint32_t v)
{
	mmio_write(&io->base[IOAPIC_SELECT / 4], reg);
	mmio_write(&io->base[IOAPIC_WINDOW / 4], v);
}

void pic_disable(void)
{
	outb(PIC1 + 1, 0xff);
	outb(PIC2 + 1, 0xff);
	outb(PIC1, PIC_INIT);
	outb(PIC2, PIC_INIT);
	outb(PIC1 + 1, PIC_VECTORS);
	outb(PIC2 + 1, PIC_VECTORS + 8);
	outb(PIC1 + 1, 1 << 2);		/* the second one hangs on input 2 */
	outb(PIC2 + 1, 2);
	outb(PIC1 + 1, PIC_8086);
	outb(PIC2 + 1, PIC_8086);
	outb(PIC1 + 1, 0xff);
	outb(PIC2 + 1, 0xff);
}

/* Its address may be a guess: does it keep what is written, and have a version? */
static bool answers(const struct ioapic *io)
{
	uint32_t version = read(io, REG_VERSION);

	return (mmio_read(&io->base[IOAPIC_SELECT / 4]) & 0xff) == REG_VERSION && version &&
	       version != NOT_THERE;
}

static void add(const struct ioapic_info *info)
{
	struct ioapic io = { kspace_map_mmio(info->pa, IOAPIC_SIZE), info->gsi_base, 0 };

	if (!answers(&io)) {
		printk("ioapic: none at 0x%lx: what is wired to it cannot interrupt\n", info->pa);
		return;
	}
	io.pins = (read(&io, REG_VERSION) >> 16 & 0xff) + 1;
	for (unsigned i = 0; i < io.pins; i++) {
		write(&io, REG_PIN(i), PIN_MASKED);
		write(&io, REG_PIN(i) + 1, 0);
	}
	ioapics[ioapic_count++] = io;
}

void ioapic_init(void)
{
	ioapic_count = 0;
	for (uint32_t i = 0; i < acpi.ioapic_count; i++)
		add(&acpi.ioapics[i]);
}

/* Where global interrupt @gsi arrives, or NULL. */
static const struct ioapic *find(uint32_t gsi)
{
	for (unsigned i = 0; i < ioapic_count; i++)
		if (gsi >= ioapics[i].gsi_base && gsi - ioapics[i].gsi_base < ioapics[i].pins)
			return &ioapics[i];
	return NULL;
}

/* Where ISA interrupt @isa arrives, and how: as the MADT says, else identity, edge, active high. */
static struct irq_override find_override(unsigned isa)
{
	for (unsigned i = 0; i < acpi.override_count; i++)
		if (acpi.overrides[i].source == isa)
			return acpi.overrides[i];
	return (struct irq_override){ .source = isa, .gsi = isa };
}

int ioapic_route_isa(unsigned isa, uint8_t vector, uint32_t apic_id)
{
	struct irq_override o = find_override(isa);
	const struct ioapic *io = find(o.gsi);
	uint32_t pin;

	if (!io)
		return -1;
	pin = o.gsi - io->gsi_base;
	spin_lock_checked(&lock);
	/* Destination first: the low word unmasks. */
	write(io, REG_PIN(pin) + 1, apic_id << 24);
	write(io, REG_PIN(pin),
	      vector | (o.active_low ? PIN_ACTIVE_LOW : 0) | (o.level ? PIN_LEVEL : 0));
	spin_unlock(&lock);
	return pin;
}
