/* SPDX-License-Identifier: MIT */
/* cpu_setup.h - this CPU's control registers, MSRs and descriptors. */
#ifndef ARCH_CPU_SETUP_H
#define ARCH_CPU_SETUP_H

#include <stdint.h>

struct cpu;
struct entry_design;

/* Set CR0, CR4, EFER of this CPU outright (firmware leaves bits set). Any table, IRQs off. */
void cpu_enable_features(void);

/* Make this CPU cpus[@index], which cpu_alloc() filled: descriptors, GS, system-call MSRs, @design.
 * Kernel table, IRQs off. */
void cpu_load(uint32_t index, const struct entry_design *design);
/*
 * Have this CPU, @cpu, enter the kernel by @design: IDT, LSTAR, RSP0 and the door, but for what the
 * design's switch_thread() sets for a thread.  Kernel table, IRQs off.
 *
 * An NMI, a #DB or a machine check between any two of the steps finds a right state: the kernel
 * table is loaded, on which every design's way for a CPU that was found in the kernel goes; those
 * ways look neither at LSTAR nor at RSP0 nor at entry_top, and what they load of the door is
 * tlb_load()'s. No other event comes: it would be a bug, and its way is the same.
 */
void cpu_load_design(struct cpu *cpu, const struct entry_design *design);

extern uint32_t cpus_without_lfence;	/* CPUs whose LFENCE may be no barrier to speculation */

#endif
