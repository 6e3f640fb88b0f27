/* SPDX-License-Identifier: MIT */
/* features.h - what the processor offers, asked of CPUID once. */
#ifndef ARCH_FEATURES_H
#define ARCH_FEATURES_H

#include <stddef.h>
#include <stdint.h>

/* Features a design may need (struct entry_design.needs) and the kernel uses when present. */
#define CPU_SMEP	(1u << 0)
#define CPU_SMAP	(1u << 1)
#define CPU_UMIP	(1u << 2)
#define CPU_PGE		(1u << 3)
#define CPU_NX		(1u << 4)
#define CPU_XSAVE	(1u << 5)
#define CPU_AVX		(1u << 6)
#define CPU_PDPE1GB	(1u << 7)
#define CPU_PCID	(1u << 8)
#define CPU_INVPCID	(1u << 9)
#define CPU_X2APIC	(1u << 10)
#define CPU_SYSCALL	(1u << 11)	/* needed; kmain() looks */

extern uint32_t cpu_features;	/* CPU_* bits of the boot CPU; one that lacks any is not started */

/* Close SMAP at the head of a C handler: no gate clears AC, and AC, the program's or a user copy's,
 * opens it. */
static inline void smap_close(void)
{
	if (cpu_features & CPU_SMAP)
		__asm__ volatile("clac" : : : "memory");
}

/* The names of CPU_* bits, separated by spaces, in @buf. */
const char *cpu_feature_names(uint32_t features, char *buf, size_t size);

/* Read CPUID into cpu_features. Boot CPU, once, before anything that asks for a feature. */
void cpu_detect_features(void);
/* The CPU_* bits of cpu_features that this CPU lacks. */
uint32_t cpu_missing_features(void);

#endif
