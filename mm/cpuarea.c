/* SPDX-License-Identifier: MIT */
/* cpuarea.c - a CPU's block of the CPU entry area: door page, private page, descriptors, stacks. */
#include "mm/cpuarea.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/descriptors.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/console/panic.h"
#include "mm/frames.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "mm/stacks.h"

uint64_t idt_pa;

uint64_t cpu_block_page(struct cpu *cpu, uint32_t page, uint64_t flags, bool visible)
{
	cpu->block_pa[page] = kspace_map_new(cea_page(cpu->index, page), flags, visible);
	return cpu->block_pa[page];
}

static int alloc_ist_stacks(struct cpu *cpu)
{
	for (uint32_t kind = 1; kind <= IST_COUNT; kind++) {
		uint64_t pa = cpu_block_page(cpu, CEA_IST_PAGE(kind), PTE_W | PTE_NX, true);

		if (!pa)
			return -ENOMEM;
		struct ist_stack_top *top = phys_to_virt(pa + PAGE_SIZE - IST_STACK_HEADROOM);
		top->percpu = cpu->percpu;
	}
	return 0;
}

static int alloc_percpu(struct cpu *cpu)
{
	uint64_t door = cpu_block_page(cpu, CEA_DOOR_PAGE, PTE_W | PTE_NX, true);
	struct percpu *pc = (struct percpu *)cea_page(cpu->index, CEA_DOOR_PAGE);

	if (!door || !cpu_block_page(cpu, CEA_PRIVATE_PAGE, PTE_W | PTE_NX, false))
		return -ENOMEM;
	cpu->percpu = pc;
	cpu->door = phys_to_virt(door);
	pc->kernel_cr3 = kspace_boot_root();
	pc->user_cr3 = kspace_boot_root() + (boot_design->split ? PAGE_SIZE : 0);
	pc->cpu = cpu;
	pc->index = cpu->index;
	for (int i = 0; i <= IST_COUNT; i++) {
		pc->ist_body_top[i] = kstack_alloc();
		if (!pc->ist_body_top[i])
			return -ENOMEM;
	}
	return 0;
}

static int alloc_tables(struct cpu *cpu)
{
	uint64_t gdt = cpu_block_page(cpu, CEA_GDT_PAGE, PTE_NX, true), tss = 0;

	if (gdt)
		tss = cpu_block_page(cpu, CEA_TSS_PAGE, PTE_NX, true);
	if (!tss)
		return -ENOMEM;
	cpu->gdt = phys_to_virt(gdt);
	cpu->tss = phys_to_virt(tss);
	return 0;
}

/* The one IDT. */
static void alloc_idt(void)
{
	idt_pa = kspace_map_new(CEA_IDT, PTE_NX, true);
	if (!idt_pa)
		panic("no memory for the IDT");
	idt_fill(phys_to_virt(idt_pa), boot_design);
}

int cpu_alloc(uint32_t index, uint32_t apic_id)
{
	struct cpu *cpu = &cpus[index];
	uint64_t frames_before = frames_used();
	int err;

	cpu->index = index;
	cpu->apic_id = apic_id;
	if (!index)
		alloc_idt();
	err = alloc_percpu(cpu);
	if (!err)
		err = alloc_tables(cpu);
	if (!err)
		err = alloc_ist_stacks(cpu);
	if (!err)
		err = boot_design->setup_cpu(cpu);
	cpu->frames_used = frames_used() - frames_before;
	return err;
}
