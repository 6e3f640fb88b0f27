/* SPDX-License-Identifier: MIT */
/* needs.h - what a processor must have; boot/ asks, before a fault can be told. */
#ifndef ARCH_NEEDS_H
#define ARCH_NEEDS_H

#include <stdint.h>

#define CPUID_BASIC	1u
#define CPUID_EXTENDED	0x80000001u

/* Bits of EDX in these two leaves (SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E).
 * The greatest lack comes first. SYSCALL is not among them, for Intel's processors name it in
 * 64-bit mode alone: CPU_SYSCALL in cpu.h. */
#define CPU_NEEDS(X)								\
	X(CPUID_EXTENDED, 29, "a 64-bit mode: use an x86-64 one")		\
	X(CPUID_EXTENDED, 20, "NX: every page is W^X here")			\
	X(CPUID_BASIC, 9, "a local APIC, or firmware switched it off")		\
	X(CPUID_BASIC, 4, "a TSC: time is taken from it")			\
	X(CPUID_BASIC, 5, "MSRs (RDMSR, WRMSR)")				\
	X(CPUID_BASIC, 6, "PAE: 64-bit paging needs it")			\
	X(CPUID_BASIC, 15, "CMOV: all 64-bit code has it")			\
	X(CPUID_BASIC, 0, "an FPU")						\
	X(CPUID_BASIC, 24, "FXSAVE: it saves a program's registers")		\
	X(CPUID_BASIC, 25, "SSE")						\
	X(CPUID_BASIC, 26, "SSE2")

#define NEED_IN_BASIC(leaf, bit, what)	  | ((leaf) == CPUID_BASIC ? 1u << (bit) : 0)
#define NEED_IN_EXTENDED(leaf, bit, what) | ((leaf) == CPUID_EXTENDED ? 1u << (bit) : 0)
#define NEEDS_BASIC	(0u CPU_NEEDS(NEED_IN_BASIC))
#define NEEDS_EXTENDED	(0u CPU_NEEDS(NEED_IN_EXTENDED))

struct cpu_need {
	uint32_t leaf, bit;
	char what[56];			/* after "it lacks" */
};
_Static_assert(sizeof(struct cpu_need) == 64, "boot/start.asm walks the table");

extern const struct cpu_need cpu_needs[];	/* the last one's leaf is 0 */

/* What a started CPU found that it lacks: boot/ap_start.asm leaves it in its page. */
struct cpu_lacks {
	uint32_t basic, extended;	/* bits of NEEDS_BASIC and NEEDS_EXTENDED; 0: nothing */
};

/* One line on the console for each. */
void cpu_report_lacks(uint32_t apic_id, const volatile struct cpu_lacks *lacks);

#endif
