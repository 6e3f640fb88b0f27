/* SPDX-License-Identifier: MIT */
/* descriptors.h - GDT, IDT and TSS (SDM vol. 3A, 3.4, 6.14, 8.7). */
#ifndef ARCH_DESCRIPTORS_H
#define ARCH_DESCRIPTORS_H

#include <stdint.h>

struct cpu;
struct entry_design;

/* A gate of the IDT in long mode. */
struct idt_gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_mid;
	uint32_t offset_high, reserved;
};

/* What LIDT and LGDT load. */
struct table_register {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

#define IDT_LIMIT	(256 * sizeof(struct idt_gate) - 1)
#define GATE_INTERRUPT	0x8e		/* present, interrupt gate: clears IF */

/* Fill @cpu's GDT and TSS through their writable aliases. The accessed bits are preset, for
 * loading a descriptor with A = 0 writes the GDT, which is read-only where the CPU sees it. */
void descriptors_fill(struct cpu *cpu);
/* Make a page, zeroed, the IDT of @d's stubs. */
void idt_fill(struct idt_gate *idt, const struct entry_design *d);
/* Load GDT and TSS on this CPU: LTR on the writable GDT (it writes the busy bit), then the
 * read-only one. IRQs off. GS base is lost. */
void descriptors_load(struct cpu *cpu);

#endif
