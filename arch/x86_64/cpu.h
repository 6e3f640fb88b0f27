/* SPDX-License-Identifier: MIT */
/* cpu.h - one struct per processor, its descriptor tables, and what its CPUID offers. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/features.h"
#include "arch/x86_64/percpu.h"
#include "mm/layout.h"

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

struct entry_design;

struct cpu {
	uint32_t index;			/* 0..MAX_CPUS-1 */
	uint32_t apic_id;
	struct percpu *percpu;	/* at cea_page(index, CEA_DOOR_PAGE), both roots see page one */
	uint64_t *gdt;			/* writable, through the direct map */
	struct tss *tss;		/* writable, through the direct map */
	struct percpu *door;	/* door page through the direct map: first 4096 bytes only */
	uint64_t frames_used;		/* frames that setting this CPU up took */
	uint64_t block_pa[CEA_BLOCK_PAGES];	/* frame of each page of its block; 0: none */
	struct thread *idle;
	const struct entry_design *design;	/* what its LSTAR and IDT lead to:
						 * cpu_load_design() */
	struct runqueue *queue;		/* kernel/sched/runqueue.h; set by sched_init_cpu() */
	bool online;			/* runs threads; set by itself, last */
};

extern struct cpu cpus[MAX_CPUS];
extern uint32_t cpu_count;		/* the boot CPU, and those that came online */

/* Virtual address of page @page of CPU @index's block in the CPU entry area. */
static inline uint64_t cea_page(uint32_t index, uint32_t page)
{
	return CEA_FIRST_BLOCK + ((uint64_t)index * CEA_BLOCK_PAGES + page) * PAGE_SIZE;
}

/* Virtual address of the IDT of the design with this @number. */
static inline uint64_t cea_idt(uint32_t number)
{
	return CEA_IDT + (uint64_t)number * PAGE_SIZE;
}

/* What the TSS says of IST entry @kind: the processor pushes its frame below. */
static inline uint64_t cea_ist_top(uint32_t index, uint32_t kind)
{
	return cea_page(index, CEA_IST_PAGE(kind)) + PAGE_SIZE - IST_STACK_HEADROOM;
}

/* Which CPU this is, by its APIC id: for a panic, which cannot trust GS. 0 before any is set up. */
uint32_t cpu_number_by_apic_id(void);

#endif
