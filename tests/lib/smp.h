/* SPDX-License-Identifier: MIT */
/* smp.h - which CPUs there are, threads on CPUs of their choice, every CPU's timer. */
#ifndef USER_SMP_H
#define USER_SMP_H

#include <stdint.h>
#include "user.h"

/* The CPUs that run threads: their number, and the number of the (n % smp_count())-th. */
unsigned smp_count(void);
unsigned smp_cpu(unsigned n);

/* Keep the calling thread on @cpu, and let it go where it likes again. Pinned, it has moved at
 * return. */
void smp_pin(unsigned cpu);
void smp_unpin(void);

/* Tick rate of every CPU's timer. The caller is not pinned afterwards. */
void smp_set_timers(unsigned long hz);

/*
 * A turn of a loop that waits, or that never ends. Under -icount CPUs run in turn. Without a PAUSE
 * one keeps the turn until the next timer of any CPU. QEMU before 8.1 then has nothing left for the
 * next CPU, which may so never run at all while the CPU before it only gives its turns away. A
 * PAUSE ends the turn. That costs the host as much as thousands of instructions: so some go with
 * it, or the guest's time stands still.
 */
static inline void smp_relax(void)
{
	__asm__ volatile(".rept 1000; nop; .endr; pause" : : : "memory");
}

/* The same for one that lets others run meanwhile. yield() alone returns at once when nobody waits
 * for this CPU. */
static inline void smp_wait(void)
{
	sys_yield();
	smp_relax();
}

#endif
