/* SPDX-License-Identifier: MIT */
/* clock.h - time from the TSC, calibrated by a PIT channel 2 one-shot that the kernel itself starts. */
#ifndef ARCH_CLOCK_H
#define ARCH_CLOCK_H

#include <stdint.h>

extern uint64_t tsc_hz;
/* Sets tsc_hz and lapic_timer_hz. Boot CPU, IRQs off, after lapic_enable(). About 10 ms.
 * Channel 0, RTC, HPET and the PM timer are never touched: their phase depends on the time of boot. */
void clock_calibrate(void);
uint64_t clock_ns(void);		/* nanoseconds since clock_calibrate() */
uint64_t clock_ns_to_tsc(uint64_t ns);

#endif
