/* SPDX-License-Identifier: MIT */
/* cpu_setup.h - this CPU's control registers, MSRs and descriptors. */
#ifndef ARCH_CPU_SETUP_H
#define ARCH_CPU_SETUP_H

#include <stdint.h>

/* Set CR0, CR4, EFER of this CPU outright (firmware leaves bits set). Any table, IRQs off. */
void cpu_enable_features(void);

/* Make this CPU cpus[@index], which cpu_alloc() filled: descriptors, GS, system-call MSRs. Kernel table, IRQs off. */
void cpu_load(uint32_t index);

extern uint32_t cpus_without_lfence;	/* CPUs whose LFENCE may be no barrier to speculation */

#endif
