/* SPDX-License-Identifier: MIT */
/* smp.h - starting the other CPUs. */
#ifndef KERNEL_SMP_H
#define KERNEL_SMP_H

#include <stdbool.h>
#include <stdint.h>
#include "boot/bootinfo.h"

struct cpu;

/* Start up to @limit CPUs in all (the boot CPU counts; 0: all that ACPI names), INIT-SIPI-SIPI
 * (SDM vol. 3A, 8.4.4), one after the other. Each sets itself up, marks itself online and idles;
 * what it needs is allocated before it is started. One that does not answer within seconds, or
 * lacks a feature of the boot CPU, is reported and left out. @bi says where memory below 640 KiB
 * is free. Boot CPU, IRQs off, once, after clock_calibrate() and sched_cpu_online(). */
void smp_start_cpus(const struct bootinfo *bi, uint32_t limit);

#endif
