/* SPDX-License-Identifier: MIT */
/* test_devices.c - interrupts arrive where they are routed. */
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/uart.h"
#include "arch/x86_64/x86.h"
#include "entry/dispatch.h"
#include "tests/kernel/ktest.h"

KTEST(uart_interrupt_through_the_ioapic)
{
	/* A second one comes only when the first was acknowledged. */
	for (int i = 0; i < 2; i++) {
		uint64_t before = uart_irq_count;

		uart_test_irq();
		while (uart_irq_count == before)	/* a hang here is the boot runner's time-out */
			__asm__ volatile("sti; nop; cli; pause" : : : "memory");
		KCHECK(uart_irq_count > before);
	}
}

static volatile uint64_t ticks;

static void count_tick(struct trapframe *frame)
{
	(void)frame;
	lapic_eoi();
	ticks++;
}

KTEST(self_ipi_and_clock)
{
	uint64_t now;

	irq_set_handler(VECTOR_SELF_TEST, count_tick);
	lapic_send_ipi(cpus[0].apic_id, VECTOR_SELF_TEST);
	while (!ticks)
		__asm__ volatile("sti; nop; cli; pause" : : : "memory");
	now = clock_ns();
	KCHECK(tsc_hz && lapic_timer_hz);
	KCHECK(clock_ns() >= now);
}
