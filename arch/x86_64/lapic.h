/* SPDX-License-Identifier: MIT */
/* lapic.h - the local APIC, xAPIC or x2APIC (SDM vol. 3A, ch. 11): EOI, IPIs, timer, LINT pins. */
#ifndef ARCH_LAPIC_H
#define ARCH_LAPIC_H

#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/x86.h"

extern volatile uint32_t *lapic_base;	/* NULL in x2APIC mode; set once, before lapic_enable() */

#define LAPIC_EOI	0xb0
#define LAPIC_TPR	0x80
#define LAPIC_ICR_LOW	0x300
#define LAPIC_ICR_HIGH	0x310
#define LAPIC_MSR(reg)	(0x800 + (reg) / 16)	/* where x2APIC mode has the register */

/* Where a page with its registers is to be mapped at lapic_base: at @pa (MADT), or where
 * MSR_APIC_BASE says when that is 0. 0 where CPUID has x2APIC: they are MSRs then. cpu_features
 * is set. */
uint64_t lapic_registers(uint64_t pa);
/* Enable this CPU's APIC in that mode: spurious vector, TPR 0, LVTs masked, LINT1 = NMI. IRQs
 * off. */
void lapic_enable(void);
uint32_t lapic_id(void);		/* of this CPU; 8 bits in xAPIC mode */

/* On the path of every interrupt. A pointer to the right one would cost a call, three
 * instructions more; this is a test that is always predicted, of the word that is loaded anyway. */
static inline void lapic_eoi(void)
{
	volatile uint32_t *base = lapic_base;

	if (__builtin_expect(base != 0, 1))
		base[LAPIC_EOI / 4] = 0;
	else
		wrmsr(LAPIC_MSR(LAPIC_EOI), 0);
}

/* Is @vector in service on this CPU, so that an EOI is due? IRQs off. */
bool lapic_in_service(uint8_t vector);

/* To the CPU whose APIC id is @apic_id (physical destination). What was written before is
 * visible to it. IRQs off. Do not wait for delivery. */
void lapic_send_ipi(uint32_t apic_id, uint8_t vector);
void lapic_send_nmi(uint32_t apic_id);
void lapic_send_init(uint32_t apic_id);	/* reset it; it waits for a start-up IPI then */
void lapic_send_startup(uint32_t apic_id, uint8_t page);	/* start it in real mode at @page
								 * * 4096 */

/* Timer ticks per second, from clock_calibrate(), and how many ticks of the timer undivided one of
 * them is. */
#define LAPIC_TIMER_DIVISOR 16
extern uint64_t lapic_timer_hz;
void lapic_timer_start_counting(void);	/* for calibration: masked, from 0xffffffff down, divide
					 * by 16 */
uint32_t lapic_timer_elapsed(void);	/* ticks since then */
/* One NMI on this CPU in @ticks of the timer undivided, not 0: QEMU's run at 1 GHz, so under
 * -icount shift=0 these are instructions. lapic_timer_periodic() takes the timer back. */
void lapic_timer_nmi(uint32_t ticks);
/* The same with a VECTOR_TIMER. */
void lapic_timer_one_shot(uint32_t ticks);
/* Periodic VECTOR_TIMER on this CPU at @hz from now on; 0 stops it. */
void lapic_timer_periodic(uint32_t hz);

#endif
