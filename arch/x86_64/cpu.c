/* SPDX-License-Identifier: MIT */
/* cpu.c - the CPUs, by number. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"

struct cpu cpus[MAX_CPUS];
uint32_t cpu_count = 1;

uint32_t cpu_number_by_apic_id(void)
{
	struct cpuid_regs wide = cpuid(0xb, 0);		/* EBX: is it about this CPU at all? */
	uint32_t id = cpu_features & CPU_X2APIC && wide.ebx ? wide.edx : cpuid(1, 0).ebx >> 24;

	for (uint32_t i = 0; i < MAX_CPUS; i++)
		if (cpus[i].percpu && cpus[i].apic_id == id)
			return i;
	return 0;
}
