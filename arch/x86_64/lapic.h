/* SPDX-License-Identifier: MIT */
/* lapic.h - the local APIC in xAPIC mode (SDM vol. 3A, ch. 11): EOI, IPIs, timer, LINT pins. */
#ifndef ARCH_LAPIC_H
#define ARCH_LAPIC_H

#include <stdint.h>

extern volatile uint32_t *lapic_base;	/* set once by lapic_map() */

#define LAPIC_EOI	0xb0
#define LAPIC_ICR_LOW	0x300
#define LAPIC_ICR_HIGH	0x310

/* Map the registers at @pa (MADT or MSR_APIC_BASE). Boot CPU, kernel table. */
void lapic_map(uint64_t pa);
/* Enable this CPU's APIC: spurious vector, TPR 0, LVTs masked, LINT1 = NMI. IRQs off. */
void lapic_enable(void);
uint32_t lapic_id(void);
static inline void lapic_eoi(void) { lapic_base[LAPIC_EOI / 4] = 0; }

/* IPI @vector to the CPU whose APIC id is @apic_id (physical destination). IRQs off. Does not wait for delivery. */
void lapic_send_ipi(uint32_t apic_id, uint8_t vector);
void lapic_send_nmi(uint32_t apic_id);

/* Timer ticks per second, from clock_calibrate(). */
extern uint64_t lapic_timer_hz;
void lapic_timer_start_counting(void);	/* for calibration: masked, from 0xffffffff down, divide by 16 */
uint32_t lapic_timer_elapsed(void);	/* ticks since then */
/* Periodic VECTOR_TIMER at @hz from now on; 0 stops it. */
void lapic_timer_periodic(uint32_t hz);

#endif
