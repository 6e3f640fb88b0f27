/* SPDX-License-Identifier: MIT */
/* smp.h - which CPUs there are, threads on CPUs of their choice, every CPU's timer. */
#ifndef USER_SMP_H
#define USER_SMP_H

#include <stdint.h>
#include "user.h"

/* The CPUs that run threads: their number, and the number of the (n % smp_count())-th. */
unsigned smp_count(void);
unsigned smp_cpu(unsigned n);

/* Keep the calling thread on @cpu, and let it go where it likes again. Pinned, it has moved at return. */
void smp_pin(unsigned cpu);
void smp_unpin(void);

/* Tick rate of every CPU's timer. The caller is not pinned afterwards. */
void smp_set_timers(unsigned long hz);

#endif
