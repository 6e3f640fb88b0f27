/* SPDX-License-Identifier: MIT */
/* features.c - what the processor offers, asked of CPUID once. */
#include "arch/x86_64/features.h"
#include <stdbool.h>
#include "arch/x86_64/x86.h"
#include "kernel/lib/format.h"

uint32_t cpu_features;

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
			at += snprintk(buf + at, size - at, "%s%s", at ? " " : "",
				       feature_names[i]);
	return buf;
}

/* What the leaf says is all that XSETBV may be asked for. */
static bool xsave_usable(void)
{
	return (cpuid(0xd, 0).eax & XCR0_X87_SSE) == XCR0_X87_SSE;
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
	f |= one.ecx & 1u << 26 && xsave_usable() ? CPU_XSAVE : 0;
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
