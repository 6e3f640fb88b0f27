/* SPDX-License-Identifier: MIT */
/* early.h - what comes to a CPU before cpu_load() has given it descriptors: boot/early.asm leads
 * here. */
#ifndef KERNEL_EARLY_H
#define KERNEL_EARLY_H

#include <stdint.h>

struct trapframe;

/* An exception of such a CPU, on whatever stack it was using; @cr3 is the table found, the early
 * one or the kernel's. An NMI is counted. A fault ends the machine with a report, but for one
 * that is expected (wrmsr_safe()). */
void early_exception(struct trapframe *frame, uint64_t cr3);

/* Say whether NMIs came to CPU @index so, and forget them. After its cpu_load(), on any CPU. */
void early_report_nmis(uint32_t index);

#endif
