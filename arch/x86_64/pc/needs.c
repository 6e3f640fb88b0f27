/* SPDX-License-Identifier: MIT */
/* needs.c - what a processor must have, by name. */
#include "arch/x86_64/pc/needs.h"
#include "kernel/console/printk.h"

#define NEED(leaf, bit, what) { leaf, bit, what },
#define END { 0, 0, "" }

const struct cpu_need cpu_needs[] = { CPU_NEEDS(NEED) END };

void cpu_report_lacks(uint32_t apic_id, const volatile struct cpu_lacks *lacks)
{
	for (const struct cpu_need *n = cpu_needs; n->leaf; n++) {
		uint32_t lacking = n->leaf == CPUID_BASIC ? lacks->basic : lacks->extended;

		if (lacking & 1u << n->bit)
			printk("smp: the CPU with APIC id %u is left out: it lacks %s\n",
			       apic_id, n->what);
	}
}
