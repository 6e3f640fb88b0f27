/* SPDX-License-Identifier: MIT */
/* cpu.c - what the processor offers, and one CPU's own pages. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/lfence.h"
#include "arch/x86_64/mcheck.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/lib/format.h"
#include "mm/frames.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "mm/stacks.h"

struct cpu cpus[MAX_CPUS];
uint32_t cpu_count = 1;
uint32_t cpu_features;
uint32_t cpus_without_lfence;

static const char *const feature_names[] = {
	"SMEP", "SMAP", "UMIP", "PGE", "NX", "XSAVE", "AVX", "1GB pages", "PCID", "INVPCID",
	"x2APIC", "SYSCALL",
};

const char *cpu_feature_names(uint32_t features, char *buf, size_t size)
{
	int at = 0;

	buf[0] = 0;
	for (unsigned i = 0; i < sizeof(feature_names) / sizeof(feature_names[0]); i++)
		if (features & 1u << i)
			at += snprintk(buf + at, size - at, "%s%s", at ? " " : "", feature_names[i]);
	return buf;
}

static uint32_t detect(void)
{
	struct cpuid_regs one = cpuid(1, 0), seven = cpuid(7, 0), ext = cpuid(0x80000001, 0);
	uint32_t f = 0;

	f |= seven.ebx & 1u << 7 ? CPU_SMEP : 0;
	f |= seven.ebx & 1u << 20 ? CPU_SMAP : 0;
	f |= seven.ecx & 1u << 2 ? CPU_UMIP : 0;
	f |= one.edx & 1u << 13 ? CPU_PGE : 0;
	f |= ext.edx & 1u << 20 ? CPU_NX : 0;
	f |= one.ecx & 1u << 26 && fpu_xsave_usable() ? CPU_XSAVE : 0;
	f |= one.ecx & 1u << 28 && f & CPU_XSAVE ? CPU_AVX : 0;
	f |= ext.edx & 1u << 26 ? CPU_PDPE1GB : 0;
	f |= one.ecx & 1u << 17 ? CPU_PCID : 0;
	f |= seven.ebx & 1u << 10 ? CPU_INVPCID : 0;
	f |= one.ecx & 1u << 21 ? CPU_X2APIC : 0;
	f |= ext.edx & 1u << 11 ? CPU_SYSCALL : 0;
	return f;
}

void cpu_detect_features(void)
{
	cpu_features = detect();
}

uint32_t cpu_missing_features(void)
{
	return cpu_features & ~detect();
}

void cpu_enable_features(void)
{
	uint64_t cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	cr4 |= cpuid(1, 0).edx & 1u << 7 ? CR4_MCE : 0;
	cr4 |= cpu_features & CPU_PGE ? CR4_PGE : 0;
	cr4 |= cpu_features & CPU_SMEP ? CR4_SMEP : 0;
	cr4 |= cpu_features & CPU_SMAP ? CR4_SMAP : 0;
	cr4 |= cpu_features & CPU_UMIP ? CR4_UMIP : 0;
	cr4 |= cpu_features & CPU_XSAVE ? CR4_OSXSAVE : 0;
	/* Outright, not ORed: firmware leaves bits set. FSGSBASE stays 0, so that user GS base is always 0. */
	write_cr4(cr4);
	write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG);
	wrmsr(MSR_EFER, EFER_SCE | EFER_LME | EFER_NXE);
	if (cpu_features & CPU_SMAP)
		clac();
	fpu_enable();
	mcheck_enable();
	if (!lfence_make_serializing())
		__atomic_add_fetch(&cpus_without_lfence, 1, __ATOMIC_RELAXED);
}

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
	pc->user_cr3 = kspace_boot_root() + (entry->split ? PAGE_SIZE : 0);
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

int cpu_alloc(uint32_t index, uint32_t apic_id)
{
	struct cpu *cpu = &cpus[index];
	uint64_t frames_before = frames_used();
	int err;

	cpu->index = index;
	cpu->apic_id = apic_id;
	if (!index)
		idt_build();
	err = alloc_percpu(cpu);
	if (!err)
		err = alloc_tables(cpu);
	if (!err)
		err = alloc_ist_stacks(cpu);
	if (!err)
		err = entry->setup_cpu(cpu);
	cpu->frames_used = frames_used() - frames_before;
	return err;
}

/* SYSCALL: selectors, target, and the flags it clears (AC too: it would switch SMAP off). */
static void syscall_setup(void)
{
	wrmsr(MSR_STAR, (uint64_t)SEL_SYSRET_BASE << 48 | (uint64_t)SEL_KERNEL_CODE << 32);
	wrmsr(MSR_LSTAR, (uint64_t)entry->syscall_entry);
	wrmsr(MSR_FMASK, FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_AC);
	if (cpuid(1, 0).edx & 1u << 11)
		wrmsr(MSR_SYSENTER_CS, 0);	/* SYSENTER is a #GP */
}

void cpu_load(uint32_t index)
{
	struct cpu *cpu = &cpus[index];

	/* Here, and not where the pages are taken: a CPU that failed may have left the TSS busy. */
	descriptors_fill(cpu);
	descriptors_load(cpu);
	wrmsr(MSR_GS_BASE, (uint64_t)cpu->percpu);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	syscall_setup();
}

uint32_t cpu_number_by_apic_id(void)
{
	struct cpuid_regs wide = cpuid(0xb, 0);		/* EBX: is it about this CPU at all? */
	uint32_t id = cpu_features & CPU_X2APIC && wide.ebx ? wide.edx : cpuid(1, 0).ebx >> 24;

	for (uint32_t i = 0; i < MAX_CPUS; i++)
		if (cpus[i].percpu && cpus[i].apic_id == id)
			return i;
	return 0;
}
