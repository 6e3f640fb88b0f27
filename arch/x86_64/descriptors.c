/* SPDX-License-Identifier: MIT */
/* descriptors.c - GDT, IDT and TSS. */
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"

#define GDT_KERNEL_CODE	0x00af9b000000ffff	/* long mode, DPL 0, accessed */
#define GDT_KERNEL_DATA	0x00cf93000000ffff
#define GDT_USER_DATA	0x00cff3000000ffff	/* DPL 3 */
#define GDT_USER_CODE	0x00affb000000ffff
#define GDT_TSS_PRESENT	0x0000890000000000	/* available 64-bit TSS, DPL 0 */
#define GDT_ENTRIES	8

#define GATE_DPL3	0x60

void descriptors_fill(struct cpu *cpu)
{
	uint64_t tss = cea_page(cpu->index, CEA_TSS_PAGE), limit = sizeof(struct tss) - 1;

	cpu->gdt[SEL_KERNEL_CODE / 8] = GDT_KERNEL_CODE;
	cpu->gdt[SEL_KERNEL_DATA / 8] = GDT_KERNEL_DATA;
	cpu->gdt[SEL_USER_DATA / 8] = GDT_USER_DATA;
	cpu->gdt[SEL_USER_CODE / 8] = GDT_USER_CODE;
	cpu->gdt[SEL_TSS / 8] =
		GDT_TSS_PRESENT | limit | (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
	cpu->gdt[SEL_TSS / 8 + 1] = tss >> 32;

	cpu->tss->iomap_base = PAGE_SIZE;	/* beyond the limit: every port faults in user
						 * mode */
	for (int i = IST_NMI; i <= IST_COUNT; i++)
		cpu->tss->ist[i] = cea_ist_top(cpu->index, i);
}

static void gate_set(struct idt_gate *gate, uint64_t handler, uint8_t ist, uint8_t dpl)
{
	*gate = (struct idt_gate){
		.offset_low = handler, .offset_mid = handler >> 16, .offset_high = handler >> 32,
		.selector = SEL_KERNEL_CODE, .ist = ist, .type = GATE_INTERRUPT | dpl,
	};
}

void idt_fill(struct idt_gate *idt, const struct entry_design *d)
{
	for (unsigned v = 0; v < 256; v++) {
		/* INT3 and INTO are a program's to use; any other INT n is a #GP. */
		uint8_t dpl = v == 3 || v == 4 ? GATE_DPL3 : 0;

		gate_set(&idt[v], (uint64_t)d->stubs + v * ENTRY_STUB_SIZE, d->ist[v], dpl);
	}
}

void descriptors_load(struct cpu *cpu)
{
	struct table_register gdt = {GDT_ENTRIES * 8 - 1, (uint64_t)cpu->gdt};

	__asm__ volatile("lgdt %0" : : "m"(gdt));
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
	gdt.base = cea_page(cpu->index, CEA_GDT_PAGE);
	__asm__ volatile("lgdt %0" : : "m"(gdt));
	/* No LDT. After reset the register may hold base 0 and a limit of 64 KiB (SDM vol. 3A,
	 * table 9-1): a program that maps those addresses could write its own descriptors, call
	 * gates included. */
	__asm__ volatile("lldt %w0" : : "r"(0));
	__asm__ volatile("push %q0\n\t"
			 "lea 1f(%%rip), %%rax\n\t"
			 "push %%rax\n\t"
			 "lretq\n"
			 "1:\n\t"
			 "mov %w1, %%ss\n\t"
			 "mov %w2, %%ds\n\t"
			 "mov %w2, %%es\n\t"
			 "mov %w2, %%fs\n\t"
			 "mov %w2, %%gs"
			 :
			 : "r"((uint64_t)SEL_KERNEL_CODE), "r"(SEL_KERNEL_DATA), "r"(0)
			 : "rax", "memory");
}
