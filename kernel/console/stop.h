/* SPDX-License-Identifier: MIT */
/* stop.h - a panic stops the other CPUs, and hears what each was doing. */
#ifndef KERNEL_STOP_H
#define KERNEL_STOP_H

#include <stdbool.h>

/* No locks, every wait has a bound. IRQs off. */

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
