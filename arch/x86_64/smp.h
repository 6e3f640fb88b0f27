/* SPDX-License-Identifier: MIT */
/* smp.h - starting the other CPUs, and stopping them. */
#ifndef ARCH_SMP_H
#define ARCH_SMP_H

#include <stdbool.h>
#include <stdint.h>
#include "boot/bootinfo.h"

struct cpu;

/* Start up to @limit CPUs in all (the boot CPU counts; 0: all that ACPI names), INIT-SIPI-SIPI (SDM vol. 3A,
 * 8.4.4), one after the other. Each sets itself up, marks itself online and idles; what it needs is allocated
 * before it is started. One that does not answer within seconds, or lacks a feature of the boot CPU, is reported
 * and left out. @bi says where memory below 640 KiB is free.
 * Boot CPU, IRQs off, once, after clock_calibrate() and sched_cpu_online(). */
void smp_start_cpus(const struct bootinfo *bi, uint32_t limit);

/* --- for panics: no locks, every wait has a bound. IRQs off. ---------------------- */

/* Stop every other online CPU by NMI. Returns when all have stopped, or after a second. */
void smp_stop_others(void);
/* Let each of them print its state in turn; one that never stopped is named. */
void smp_hear_others(void);

/* On a CPU that is to stop: wait until it may print. False: it may not, ever. */
bool smp_wait_for_turn(void);
/* Has smp_wait_for_turn() been called on this CPU? */
bool smp_is_stopping(void);
/* It has printed: halt, for good. */
void smp_halt(void) __attribute__((noreturn));

#endif
