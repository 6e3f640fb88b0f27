/* SPDX-License-Identifier: MIT */
/* cpuarea.h - the pages that a CPU needs at its own addresses, the CPU entry area. */
#ifndef MM_CPUAREA_H
#define MM_CPUAREA_H

#include <stdint.h>

extern uint64_t idt_pa;			/* frame of the one IDT */

/* CPU @index's block of the CPU entry area, filled. On any CPU, kernel table, IRQs off. 0, or
 * -ENOMEM; what was taken by then stays with the block. CPU 0 comes first, and makes the IDT. */
int cpu_alloc(uint32_t index, uint32_t apic_id);

#endif
