/* SPDX-License-Identifier: MIT */
/* test_devices.c - interrupts arrive where they are routed, and the timers run. */
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/uart.h"
#include "arch/x86_64/x86.h"
#include "entry/dispatch.h"
#include "tests/kernel/ktest.h"
#include "tests/kernel/sched_test.h"

KTEST(uart_interrupt_through_the_ioapic)
{
	const char *why = uart_lacks_irq();

	if (why)
		KSKIP(why);
	/* A second one comes only when the first was acknowledged. */
	for (int i = 0; i < 2; i++) {
		uint64_t before = uart_irq_count;

		uart_test_irq();
		while (uart_irq_count == before)	/* a hang here is the boot runner's
							 * time-out */
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

#define PERIODS		10
#define PERIOD_NS	1000000ul
#define PERIODS_HZ	1000

/* TSC ticks that PERIODS of clock_ns() take. */
static uint64_t by_the_clock(void)
{
	uint64_t begin = rdtsc(), end = clock_ns() + PERIODS * PERIOD_NS;

	while (clock_ns() < end)
		cpu_pause();
	return rdtsc() - begin;
}

/* TSC ticks between the first and the last of PERIODS + 1 timer interrupts. A one-shot before that,
 * which counts faster, leaves nothing behind. */
static uint64_t by_the_timer(void)
{
	trap_handler *old = irq_set_handler(VECTOR_TIMER, count_tick);
	uint64_t begin = 0;

	ticks = 0;
	lapic_timer_one_shot(UINT32_MAX);
	lapic_timer_periodic(PERIODS_HZ);
	while (ticks <= PERIODS) {
		__asm__ volatile("sti; nop; cli; pause" : : : "memory");
		if (!begin && ticks)
			begin = rdtsc();
	}
	lapic_timer_periodic(0);
	irq_set_handler(VECTOR_TIMER, old);
	return rdtsc() - begin;
}

/* Whether that is right only another clock can say: tests/boot/machines.py, under icount. */
KTEST(both_clocks_run)
{
	uint64_t tsc = by_the_clock(), timer = by_the_timer();

	KCHECK(tsc && timer);
	if (tsc_counts_instructions())	/* or the host may have been busy meanwhile */
		KCHECK(timer > tsc / 2 && timer < tsc * 2);
	printk("# 10 ms took %lu TSC ticks by the clock, %lu by the timer\n", tsc, timer);
}

#define UNWANTED	0x61		/* below all that the kernel uses */
#define NOT_THE_APICS	0xee

/* A second one comes only when the first was acknowledged. */
KTEST(an_interrupt_that_nobody_expects_is_acknowledged)
{
	for (uint32_t n = 1; n <= 3; n++) {
		lapic_send_ipi(cpus[0].apic_id, UNWANTED);
		while (irq_unexpected(UNWANTED) < n)
			irq_window();
		KCHECK(irq_unexpected(UNWANTED) == n);
		KCHECK(!lapic_in_service(UNWANTED));
	}
}

static volatile bool was_in_service, still_in_service;

static void take_one_inside(struct trapframe *frame)
{
	(void)frame;
	was_in_service = lapic_in_service(VECTOR_SELF_TEST);
	__asm__ volatile("int %0" : : "i"(NOT_THE_APICS) : "memory");
	still_in_service = lapic_in_service(VECTOR_SELF_TEST);
	lapic_eoi();
	ticks++;
}

KTEST(an_interrupt_that_is_not_the_apics_ends_no_other_ones_service)
{
	trap_handler *old = irq_set_handler(VECTOR_SELF_TEST, take_one_inside);
	uint64_t before = ticks;

	lapic_send_ipi(cpus[0].apic_id, VECTOR_SELF_TEST);
	while (ticks == before)
		irq_window();
	irq_set_handler(VECTOR_SELF_TEST, old);
	KCHECK(was_in_service && still_in_service);
	KCHECK(irq_unexpected(NOT_THE_APICS) == 1);
}

#define MSR_PKRS	0x6e1
#define NO_ADDRESS	(1ul << 63)

/* PKRS has 32 bits; where there is no such MSR any value is wrong. Bochs lets unknown MSRs pass,
 * and faults for a base that is no address, which TCG lets pass. */
KTEST(an_msr_that_faults_is_an_answer)
{
	uint64_t v = 1, base = rdmsr(MSR_FS_BASE);

	KCHECK(!wrmsr_safe(MSR_PKRS, ~0ul) || !wrmsr_safe(MSR_FS_BASE, NO_ADDRESS));
	wrmsr(MSR_FS_BASE, base);
	KCHECK(rdmsr_safe(MSR_EFER, &v) && v == rdmsr(MSR_EFER));
	KCHECK(wrmsr_safe(MSR_EFER, v));
}
