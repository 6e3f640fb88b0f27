/* SPDX-License-Identifier: MIT */
/* irqsoff.h - the longest time that an interrupt waits because interrupts are off. */
#ifndef KERNEL_IRQSOFF_H
#define KERNEL_IRQSOFF_H

#include <stdbool.h>
#include <stdint.h>

/*
 * TSC ticks between two interrupts of the watch. Every stretch with interrupts off that is longer
 * holds a moment at which one is due. Long enough for each design to get out of the interrupt, and
 * some way on in between: an interrupt that is due again at its own IRETQ would leave no time for
 * anything else.
 */
#define IRQS_OFF_PERIOD	500

/* Watch this CPU, whose periodic tick stops; timed sleepers and slices are looked at every
 * millisecond or so.  The other CPUs are parked as soon as they idle, until irqsoff_end(). One CPU
 * at a time: -EBUSY otherwise, and when another has always something to do. Lets interrupts in.
 * IRQs off, after clock_calibrate(). */
int irqsoff_begin(void);
/* Stop, and the timer with it. TSC ticks: no stretch with interrupts off was longer, and the
 * longest was shorter by IRQS_OFF_PERIOD and the way into an interrupt at most. -EINVAL on
 * another CPU. IRQs off. */
int64_t irqsoff_end(void);
/* Keep interrupts off for @ticks of the TSC, at most some instructions more, then let them in. IRQs
 * off. */
void irqsoff_keep(uint64_t ticks);

#endif
