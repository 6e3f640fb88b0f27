/* SPDX-License-Identifier: MIT */
/*
 * lfence.c - LFENCE as a barrier to speculation.
 *
 * On Intel it is one (SDM vol. 2, LFENCE).  On AMD it orders loads only, unless a processor says
 * that it always serializes, or bit 1 of DE_CFG is set (AMD, "Software techniques for managing
 * speculation on AMD processors", mitigation G-2).  Families 0Fh and 11h serialize and have no
 * DE_CFG.  Under a hypervisor the MSR may fault, ignore the write, or be set already.
 */
#include "arch/x86_64/lfence.h"
#include "arch/x86_64/vendor.h"
#include "arch/x86_64/x86.h"

#define CPUID_FEATURES_2	0x80000021
#define LFENCE_ALWAYS		(1u << 2)	/* its EAX */
#define MSR_DE_CFG		0xc0011029
#define DE_CFG_LFENCE		(1ul << 1)

static bool has_de_cfg(void)
{
	uint32_t family = cpu_family();

	return family >= 0x10 && family != 0x11;
}

bool lfence_make_serializing(void)
{
	uint64_t v;

	if (!cpu_is_amd() || cpuid(CPUID_FEATURES_2, 0).eax & LFENCE_ALWAYS || !has_de_cfg())
		return true;
	if (!rdmsr_safe(MSR_DE_CFG, &v))
		return false;
	if (v & DE_CFG_LFENCE)
		return true;
	return wrmsr_safe(MSR_DE_CFG, v | DE_CFG_LFENCE) && rdmsr_safe(MSR_DE_CFG, &v) &&
	       v & DE_CFG_LFENCE;
}
