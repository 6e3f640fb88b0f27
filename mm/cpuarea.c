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

/* A zeroed page of @cpu's block; the frame is noted and returned. 0 when memory is short. */
static uint64_t block_page(struct cpu *cpu, uint32_t page, uint64_t flags, bool visible)
{
	uint64_t pa = frame_alloc_zeroed(), va = cea_page(cpu->index, page);

	if (!pa)
		return 0;
	if (visible ? kspace_map_visible(va, pa, flags) : kspace_map(va, pa, flags)) {
		frame_free(pa);
		return 0;
	}
	cpu->block_pa[page] = pa;
	return pa;
}

static int alloc_ist_stacks(struct cpu *cpu)
{
	static const uint8_t pages[] = {
		CEA_NMI_STACK_PAGE, CEA_DB_STACK_PAGE, CEA_DF_STACK_PAGE, CEA_MC_STACK_PAGE,
	};

	for (unsigned i = 0; i < sizeof(pages); i++) {
		uint64_t pa = block_page(cpu, pages[i], PTE_W | PTE_NX, true);

		if (!pa)
			return -ENOMEM;
		struct ist_stack_top *top = phys_to_virt(pa + PAGE_SIZE - IST_STACK_HEADROOM);
		top->percpu = cpu->percpu;
	}
	return 0;
}

static int alloc_percpu(struct cpu *cpu)
{
	uint64_t door = block_page(cpu, CEA_DOOR_PAGE, PTE_W | PTE_NX, true);
	struct percpu *pc = (struct percpu *)cea_page(cpu->index, CEA_DOOR_PAGE);

	if (!door || !block_page(cpu, CEA_PRIVATE_PAGE, PTE_W | PTE_NX, false))
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
	uint64_t gdt = block_page(cpu, CEA_GDT_PAGE, PTE_NX, true), tss = 0;

	if (gdt)
		tss = block_page(cpu, CEA_TSS_PAGE, PTE_NX, true);
	if (!tss)
		return -ENOMEM;
	cpu->gdt = phys_to_virt(gdt);
	cpu->tss = phys_to_virt(tss);
	return 0;
}

/* The one IDT. */
static void alloc_idt(void)
{
	idt_pa = frame_alloc_zeroed();
	if (!idt_pa || kspace_map_visible(CEA_IDT, idt_pa, PTE_NX))
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
