/* SPDX-License-Identifier: MIT */
/* clock.h - time from the TSC, and how its rate is found out. */
#ifndef ARCH_CLOCK_H
#define ARCH_CLOCK_H

#include <stdint.h>

extern uint64_t tsc_hz;
/* Measure tsc_hz and lapic_timer_hz, say so on the console, and start the clock. Boot CPU, IRQs
 * off, after acpi_init(), ioapic_init() and lapic_enable(). 15 ms, more on a busy host. Where
 * there is a PIT its one-shots alone are used: the phase of a clock that runs by itself (RTC,
 * HPET, PM timer) depends on the time of boot. Panics when there is nothing to measure against. */
void clock_calibrate(void);
/* The clock starts at 0, with @hz TSC ticks a second. */
void clock_start(uint64_t hz);
uint64_t clock_ns(void);		/* nanoseconds since clock_start() */
uint64_t clock_ns_to_tsc(uint64_t ns);

#endif
