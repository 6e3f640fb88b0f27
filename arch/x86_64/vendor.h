/* SPDX-License-Identifier: MIT */
/* vendor.h - who made this processor, and which one it is: bits that one manual defines may mean
 * another thing elsewhere. */
#ifndef ARCH_VENDOR_H
#define ARCH_VENDOR_H

#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/x86.h"

#define VENDOR_IS(r, b, d, c) ((r).ebx == (b) && (r).edx == (d) && (r).ecx == (c))

static inline bool cpu_is_intel(void)
{
	struct cpuid_regs r = cpuid(0, 0);

	return VENDOR_IS(r, 0x756e6547, 0x49656e69, 0x6c65746e);	/* GenuineIntel */
}

/* Hygon's processors are AMD's of family 17h, and follow AMD's manual. */
static inline bool cpu_is_amd(void)
{
	struct cpuid_regs r = cpuid(0, 0);

	return VENDOR_IS(r, 0x68747541, 0x69746e65, 0x444d4163) ||	/* AuthenticAMD */
	       VENDOR_IS(r, 0x6f677948, 0x6e65476e, 0x656e6975);	/* HygonGenuine */
}

/* As the manuals name them: the extended fields of leaf 1's EAX added where they count. */
static inline uint32_t cpu_family(void)
{
	uint32_t eax = cpuid(1, 0).eax, family = eax >> 8 & 15;

	return family == 15 ? family + (eax >> 20 & 0xff) : family;
}

static inline uint32_t cpu_model(void)
{
	uint32_t eax = cpuid(1, 0).eax, family = eax >> 8 & 15, model = eax >> 4 & 15;

	return family == 6 || family == 15 ? (eax >> 12 & 0xf0) + model : model;
}

#endif
