/* SPDX-License-Identifier: MIT */
/*
 * test_setup.c - each CPU's registers have the values that the rules of the kernel ask for.
 *
 * test_smp.c compares CPUs with each other, and so finds nothing that all of them have wrong. Here
 * the values are written down a second time, by number, from the manuals.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/vendor.h"
#include "arch/x86_64/x86.h"
#include "entry/dispatch.h"
#include "mm/pagetable.h"
#include "tests/kernel/ktest.h"

#define CR0_WANTED	0x80050033ul	/* PG AM WP NE ET MP PE; neither TS nor EM, CD, NW */
#define CR4_ALWAYS	0x00000620ul	/* PAE OSFXSR OSXMMEXCPT */
#define CR4_NEVER	0x00011019ul	/* VME DE.., LA57, FSGSBASE: of a program's or a
					 * firmware's making */
#define FMASK_WANTED	0x00057700ul	/* TF IF DF IOPL NT RF AC */
#define STAR_WANTED	0x001b000800000000ul
#define EFER_WANTED	0x00000d01ul	/* NXE LMA LME SCE */
#define MASKED		0x10000u
#define NMI		0x400u

static const uint32_t lvts[] = { 0x350, 0x360, 0x370, 0x340, 0x330 };

static struct seen {
	uint64_t cr0, cr4, efer, star, fmask, sysenter, xcr0, mcg_ctl, bank_ctl, dr7;
	uint32_t tpr, lint0, lint1, error, perf, thermal, banks;
	uint16_t ldt;
	bool done;
} seen[MAX_CPUS];

static uint32_t apic(unsigned reg)
{
	return lapic_base ? lapic_base[reg / 4] : (uint32_t)rdmsr(LAPIC_MSR(reg));
}

static uint64_t read_xcr0(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

/* The AND of all banks' CTL, which is all ones where every error is reported. */
static void look_at_banks(struct seen *s)
{
	uint64_t cap = cpuid(1, 0).edx & 1u << 14 ? rdmsr(0x179) : 0;

	s->banks = cap & 0xff;
	s->mcg_ctl = cap & 1u << 8 ? rdmsr(0x17b) : ~0ul;
	s->bank_ctl = ~0ul;
	for (uint32_t i = 0; i < s->banks; i++)
		s->bank_ctl &= rdmsr(0x400 + 4 * i);
}

static void look(struct trapframe *frame)
{
	struct seen *s = &seen[this_cpu()->index];

	(void)frame;
	lapic_eoi();
	*s = (struct seen){
		.cr0 = read_cr0(),
		.cr4 = read_cr4(),
		.efer = rdmsr(MSR_EFER),
		.star = rdmsr(MSR_STAR),
		.fmask = rdmsr(MSR_FMASK),
		.dr7 = read_dr7(),
		.tpr = apic(LAPIC_TPR),
		.lint0 = apic(lvts[0]),
		.lint1 = apic(lvts[1]),
		.error = apic(lvts[2]),
		.perf = apic(lvts[3]),
		.thermal = apic(lvts[4]),
	};
	s->sysenter = cpuid(1, 0).edx & 1u << 11 ? rdmsr(MSR_SYSENTER_CS) : 0;
	s->xcr0 = cpu_features & CPU_XSAVE ? read_xcr0() : 0;
	__asm__ volatile("sldt %0" : "=m"(s->ldt));
	look_at_banks(s);
	__atomic_store_n(&s->done, true, __ATOMIC_RELEASE);
}

static const struct seen *look_at(uint32_t cpu)
{
	trap_handler *old = irq_set_handler(VECTOR_SELF_TEST, look);

	seen[cpu].done = false;
	lapic_send_ipi(cpus[cpu].apic_id, VECTOR_SELF_TEST);
	while (!__atomic_load_n(&seen[cpu].done, __ATOMIC_ACQUIRE))
		__asm__ volatile("sti; nop; cli; pause" : : : "memory");
	irq_set_handler(VECTOR_SELF_TEST, old);
	return &seen[cpu];
}

KTEST(control_registers_are_what_the_kernel_needs)
{
	uint64_t pge = cpu_features & CPU_PGE ? CR4_PGE : 0;

	for (uint32_t i = 0; i < cpu_count; i++) {
		const struct seen *s = look_at(i);

		KCHECK(s->cr0 == CR0_WANTED);
		KCHECK((s->cr4 & CR4_ALWAYS) == CR4_ALWAYS && !(s->cr4 & CR4_NEVER));
		KCHECK((s->cr4 & CR4_PGE) == pge);
		KCHECK(!(cpuid(1, 0).edx & 1u << 7) || s->cr4 & CR4_MCE);
		KCHECK(!!(s->cr4 & CR4_OSXSAVE) == !!(cpu_features & CPU_XSAVE));
		KCHECK((s->efer & 0xfff) == EFER_WANTED);
		KCHECK(s->dr7 == DR7_NOTHING);
	}
}

KTEST(a_system_call_clears_every_flag_that_must_not_reach_the_kernel)
{
	for (uint32_t i = 0; i < cpu_count; i++) {
		const struct seen *s = look_at(i);

		KCHECK(s->fmask == FMASK_WANTED);
		KCHECK(s->star == STAR_WANTED);
		KCHECK(!s->sysenter && !s->ldt);
	}
}

KTEST(each_apic_delivers_nmis_and_nothing_that_nobody_asked_for)
{
	uint32_t last = apic(0x30) >> 16 & 0xff;

	for (uint32_t i = 0; i < cpu_count; i++) {
		const struct seen *s = look_at(i);

		KCHECK(!s->tpr);
		KCHECK(s->lint0 & MASKED && s->error & MASKED);
		KCHECK((s->lint1 & (MASKED | 0x700)) == NMI);
		KCHECK(last < 4 || s->perf & MASKED);
		KCHECK(last < 5 || s->thermal & MASKED);
	}
}

/* Before family 6 model 26 bank 0 of Intel's is firmware's; no test has such a processor. */
KTEST(every_machine_check_bank_reports)
{
	for (uint32_t i = 0; i < cpu_count; i++) {
		const struct seen *s = look_at(i);

		KCHECK(s->mcg_ctl == ~0ul);
		KCHECK(s->bank_ctl == ~0ul ||
		       (cpu_is_intel() && cpu_family() == 6 && cpu_model() < 0x1a));
	}
}

/* CPUID tells the size for what XCR0 enables. */
KTEST(registers_are_saved_as_far_as_there_are_any)
{
	uint32_t offered = cpu_features & CPU_XSAVE ? cpuid(0xd, 0).eax : 0;

	for (uint32_t i = 0; i < cpu_count; i++) {
		const struct seen *s = look_at(i);

		if (!(cpu_features & CPU_XSAVE)) {
			KCHECK(fpu_area_size() == 512);
			continue;
		}
		KCHECK((s->xcr0 & 3) == 3 && !(s->xcr0 & ~(uint64_t)offered));
		KCHECK(!(offered & 4) || s->xcr0 & 4);
		KCHECK(fpu_area_size() == cpuid(0xd, 0).ebx);
	}
}

/* The port bitmap would begin beyond the TSS's limit, and the limit is the TSS's own. */
KTEST(no_port_is_a_programs)
{
	for (uint32_t i = 0; i < cpu_count; i++) {
		uint64_t low = cpus[i].gdt[SEL_TSS / 8];
		uint32_t limit = (low & 0xffff) | (low >> 48 & 0xf) << 16;

		KCHECK(limit == sizeof(struct tss) - 1);
		KCHECK(cpus[i].tss->iomap_base > limit);
	}
}
