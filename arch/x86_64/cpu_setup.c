/* SPDX-License-Identifier: MIT */
/* cpu_setup.c - this CPU's control registers, MSRs and descriptors. */
#include "arch/x86_64/cpu_setup.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/lfence.h"
#include "arch/x86_64/mcheck.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"

uint32_t cpus_without_lfence;

void cpu_enable_features(void)
{
	uint64_t cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	cr4 |= cpuid(1, 0).edx & 1u << 7 ? CR4_MCE : 0;
	cr4 |= cpu_features & CPU_PGE ? CR4_PGE : 0;
	cr4 |= cpu_features & CPU_SMEP ? CR4_SMEP : 0;
	cr4 |= cpu_features & CPU_SMAP ? CR4_SMAP : 0;
	cr4 |= cpu_features & CPU_UMIP ? CR4_UMIP : 0;
	cr4 |= cpu_features & CPU_XSAVE ? CR4_OSXSAVE : 0;
	/* Outright, not ORed: firmware leaves bits set. FSGSBASE stays 0, so that user GS base is
	 * always 0. */
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

/* SYSCALL: selectors, and the flags it clears (AC too: it would switch SMAP off). */
static void syscall_setup(void)
{
	wrmsr(MSR_STAR, (uint64_t)SEL_SYSRET_BASE << 48 | (uint64_t)SEL_KERNEL_CODE << 32);
	wrmsr(MSR_FMASK, FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_AC);
	if (cpuid(1, 0).edx & 1u << 11)
		wrmsr(MSR_SYSENTER_CS, 0);	/* SYSENTER is a #GP */
}

void cpu_load_design(struct cpu *cpu, const struct entry_design *design)
{
	cpu->design = design;
	idt_load(design);
	wrmsr(MSR_LSTAR, (uint64_t)design->syscall_entry);
	design->load_cpu(design, cpu);
}

void cpu_load(uint32_t index, const struct entry_design *design)
{
	struct cpu *cpu = &cpus[index];

	/* Here, and not where the pages are taken: a CPU that failed may have left the TSS busy. */
	descriptors_fill(cpu);
	descriptors_load(cpu);
	cpu_load_design(cpu, design);
	wrmsr(MSR_GS_BASE, (uint64_t)cpu->percpu);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	syscall_setup();
}
