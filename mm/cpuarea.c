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

uint64_t idt_pa[ENTRY_DESIGNS_MAX];

uint64_t cpu_block_page(struct cpu *cpu, uint32_t page, uint64_t flags, uint32_t shown)
{
	cpu->block_pa[page] = kspace_map_new(cea_page(cpu->index, page), flags, shown);
	return cpu->block_pa[page];
}

static int alloc_ist_stacks(struct cpu *cpu)
{
	for (uint32_t kind = 1; kind <= IST_COUNT; kind++) {
		uint64_t pa = cpu_block_page(cpu, CEA_IST_PAGE(kind), PTE_W | PTE_NX | PTE_G,
					     DESIGNS_ALL);

		if (!pa)
			return -ENOMEM;
		struct ist_stack_top *top = phys_to_virt(pa + PAGE_SIZE - IST_STACK_HEADROOM);
		top->percpu = cpu->percpu;
	}
	return 0;
}

static int alloc_percpu(struct cpu *cpu)
{
	uint64_t door = cpu_block_page(cpu, CEA_DOOR_PAGE, PTE_W | PTE_NX | PTE_G,
				       DESIGNS_ALL);
	struct percpu *pc = (struct percpu *)cea_page(cpu->index, CEA_DOOR_PAGE);

	if (!door || !cpu_block_page(cpu, CEA_PRIVATE_PAGE, PTE_W | PTE_NX, DESIGNS_NONE))
		return -ENOMEM;
	cpu->percpu = pc;
	cpu->door = phys_to_virt(door);
	pc->kernel_cr3 = kspace_boot_root();
	pc->user_cr3 = kspace_boot_root() + (entry_mixed() ? PAGE_SIZE : 0);
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
	uint64_t gdt = cpu_block_page(cpu, CEA_GDT_PAGE, PTE_NX | PTE_G, DESIGNS_ALL), tss = 0;

	if (gdt)
		tss = cpu_block_page(cpu, CEA_TSS_PAGE, PTE_NX | PTE_G, DESIGNS_ALL);
	if (!tss)
		return -ENOMEM;
	cpu->gdt = phys_to_virt(gdt);
	cpu->tss = phys_to_virt(tss);
	return 0;
}

/* Each at its own address, so that they may be Global. */
static void alloc_idts(void)
{
	for (unsigned n = 0; n < entry_design_count(); n++) {
		const struct entry_design *d = entry_design_at(n);

		if (entry_refusal(d))
			continue;
		idt_pa[n] = kspace_map_new(cea_idt(n), PTE_NX | PTE_G, 1u << n);
		if (!idt_pa[n])
			panic("no memory for the IDTs");
		idt_fill(phys_to_virt(idt_pa[n]), d);
	}
}

/* Whatever each design that this boot can run needs on @cpu. */
static int set_up_designs(struct cpu *cpu)
{
	int err = 0;

	for (unsigned n = 0; !err && n < entry_design_count(); n++)
		if (!entry_refusal(entry_design_at(n)))
			err = entry_design_at(n)->setup_cpu(entry_design_at(n), cpu);
	return err;
}

int cpu_alloc(uint32_t index, uint32_t apic_id)
{
	struct cpu *cpu = &cpus[index];
	uint64_t frames_before = frames_used();
	int err;

	cpu->index = index;
	cpu->apic_id = apic_id;
	if (!index)
		alloc_idts();
	err = alloc_percpu(cpu);
	if (!err)
		err = alloc_tables(cpu);
	if (!err)
		err = alloc_ist_stacks(cpu);
	if (!err)
		err = set_up_designs(cpu);
	cpu->frames_used = frames_used() - frames_before;
	return err;
}
