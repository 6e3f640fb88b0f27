/* SPDX-License-Identifier: MIT */
/* cpu.h - one struct per processor, its descriptor tables, and what its CPUID offers. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/percpu.h"
#include "mm/layout.h"

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

extern uint32_t cpu_features;		/* CPU_* bits of the boot CPU; one that lacks any is not started */

/* SDM vol. 3A, 8.7 (64-bit TSS). */
struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t ist[8];		/* ist[0] is reserved, ist[1..7] are IST1..IST7 */
	uint64_t reserved1;
	uint16_t reserved2;
	uint16_t iomap_base;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "the CPU's TSS");

struct cpu {
	uint32_t index;			/* 0..MAX_CPUS-1 */
	uint32_t apic_id;
	struct percpu *percpu;		/* at cea_page(index, CEA_DOOR_PAGE), both roots see page one */
	uint64_t *gdt;			/* writable, through the direct map */
	struct tss *tss;		/* writable, through the direct map */
	struct percpu *door;		/* door page through the direct map: first 4096 bytes only */
	uint64_t frames_used;		/* frames that setting this CPU up took */
	uint64_t block_pa[CEA_BLOCK_PAGES];	/* frame of each page of its block; 0: none */
	struct thread *idle;
	struct runqueue *queue;		/* kernel/sched/runqueue.h; set by sched_init_cpu() */
	bool online;			/* runs threads; set by itself, last */
};

/* Close SMAP at the head of a C handler: no gate clears AC, and AC, the program's or a user copy's, opens it. */
static inline void smap_close(void)
{
	if (cpu_features & CPU_SMAP)
		__asm__ volatile("clac" : : : "memory");
}

/* The names of CPU_* bits, separated by spaces, in @buf. */
const char *cpu_feature_names(uint32_t features, char *buf, size_t size);

extern uint32_t cpus_without_lfence;	/* CPUs whose LFENCE may be no barrier to speculation */
extern struct cpu cpus[MAX_CPUS];
extern uint32_t cpu_count;		/* the boot CPU, and those that came online */

/* Virtual address of page @page of CPU @index's block in the CPU entry area. */
static inline uint64_t cea_page(uint32_t index, uint32_t page)
{
	return CEA_FIRST_BLOCK + ((uint64_t)index * CEA_BLOCK_PAGES + page) * PAGE_SIZE;
}

/* Read CPUID into cpu_features. Boot CPU, once, before anything that asks for a feature. */
void cpu_detect_features(void);
/* The CPU_* bits of cpu_features that this CPU lacks. */
uint32_t cpu_missing_features(void);
/* Set CR0, CR4, EFER of this CPU outright (firmware leaves bits set). Any table, IRQs off. */
void cpu_enable_features(void);

/* CPU @index's block of the CPU entry area, filled. On any CPU, kernel table, IRQs off. 0, or
 * -ENOMEM; what was taken by then stays with the block. CPU 0 comes first, and makes the IDT. */
int cpu_alloc(uint32_t index, uint32_t apic_id);
/* Make this CPU cpus[@index], which cpu_alloc() filled: descriptors, GS, system-call MSRs. Kernel table, IRQs off. */
void cpu_load(uint32_t index);

/* Which CPU this is, by its APIC id: for a panic, which cannot trust GS. 0 before any is set up. */
uint32_t cpu_number_by_apic_id(void);

#endif
