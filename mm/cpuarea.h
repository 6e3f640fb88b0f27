/* SPDX-License-Identifier: MIT */
/* cpuarea.h - the pages that a CPU needs at its own addresses, the CPU entry area. */
#ifndef MM_CPUAREA_H
#define MM_CPUAREA_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;

extern uint64_t idt_pa[];		/* frames of the IDTs, by design; 0: it cannot run here */

/* A zeroed frame as page @page of @cpu's block, and noted there; the user roots of the designs in
 * the set @shown show it too. @flags as of kspace_map(). Its address, or 0 when memory is short.
 * IRQs off. */
uint64_t cpu_block_page(struct cpu *cpu, uint32_t page, uint64_t flags, uint32_t shown);

/* CPU @index's block of the CPU entry area, filled. On any CPU, kernel table, IRQs off. 0, or
 * -ENOMEM; what was taken by then stays with the block. CPU 0 comes first, and makes the IDTs. */
int cpu_alloc(uint32_t index, uint32_t apic_id);

#endif
