/* SPDX-License-Identifier: MIT */
/* smp.h - starting the other CPUs, and talking to them. */
#ifndef ARCH_SMP_H
#define ARCH_SMP_H

#include <stdint.h>

struct cpu;

/* Start up to @limit CPUs in all (the boot CPU counts; 0: all that ACPI names), INIT-SIPI-SIPI (SDM vol. 3A, 9.4.4), one after the other.
 * Each sets itself up, marks itself online and idles. A CPU that does not answer within a second is reported and left out.
 * Boot CPU, IRQs off, after clock_calibrate() and sched_init_cpu(). */
void smp_start_cpus(uint32_t limit);

/* Ask @cpu to look at its run queue and at its current thread's fate: VECTOR_RESCHEDULE. IRQs off. */
void smp_send_reschedule(const struct cpu *cpu);

/* Stop every other online CPU by NMI; each prints its state in turn. For panic: takes no lock, waits for nothing without a bound. */
void smp_stop_others(void);

#endif
