/* SPDX-License-Identifier: MIT */
/*
 * lapic.c - the local APIC (SDM vol. 3A, ch. 11).
 *
 * The registers are the same in both modes, 16 bytes apart in memory (xAPIC) or one
 * MSR each (x2APIC); only the interrupt command differs, for x2APIC ids have 32 bits.
 */
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"

#define LAPIC_ID	0x20
#define LAPIC_VERSION	0x30
#define LAPIC_SPURIOUS	0xf0
#define LAPIC_IN_SERVICE(v) (0x100 + (v) / 32 * 0x10)	/* one bit a vector */
#define LAPIC_ESR	0x280
#define LAPIC_LVT_CMCI	0x2f0
#define LAPIC_LVT_TIMER	0x320
#define LAPIC_LVT_THERMAL 0x330
#define LAPIC_LVT_PERF	0x340
#define LAPIC_LVT_LINT0	0x350
#define LAPIC_LVT_LINT1	0x360
#define LAPIC_LVT_ERROR	0x370
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_CURRENT 0x390
#define LAPIC_TIMER_DIVIDE 0x3e0
#define LAPIC_EXTENDED	0x400		/* AMD: its bits 16 to 23 count further LVT entries */
#define LAPIC_LVT_EXTENDED(i) (0x500 + 0x10 * (i))

#define VERSION_LAST_LVT(v) ((v) >> 16 & 0xff)
#define VERSION_EXTENDED (1u << 31)	/* AMD: LAPIC_EXTENDED is there; reserved and 0 elsewhere */
#define EXTENDED_LVTS(v) ((v) >> 16 & 0xff)

#define SPURIOUS_ENABLE	(1u << 8)
#define LVT_MASKED	(1u << 16)
#define LVT_PERIODIC	(1u << 17)
#define DELIVERY_NMI	(4u << 8)
#define DELIVERY_INIT	(5u << 8)
#define DELIVERY_STARTUP (6u << 8)
#define ICR_ASSERT	(1u << 14)
#define ICR_PENDING	(1u << 12)
#define ICR_POLLS	1000000		/* far beyond any delivery; a panic must not hang here */
#define DIVIDE_BY_16	3u		/* LAPIC_TIMER_DIVISOR */
#define DIVIDE_BY_1	11u
#define TIMER_MAX	0xffffffffu

#define APIC_BASE_X2APIC (1ul << 10)
#define APIC_BASE_ENABLE (1ul << 11)
#define APIC_BASE_ADDR	0x000ffffffffff000ul

volatile uint32_t *lapic_base;
uint64_t lapic_timer_hz;

static uint32_t read(unsigned reg)
{
	return lapic_base ? mmio_read(&lapic_base[reg / 4]) : (uint32_t)rdmsr(LAPIC_MSR(reg));
}

static void write(unsigned reg, uint32_t v)
{
	if (lapic_base)
		mmio_write(&lapic_base[reg / 4], v);
	else
		wrmsr(LAPIC_MSR(reg), v);
}

uint64_t lapic_registers(uint64_t pa)
{
	if (cpu_features & CPU_X2APIC)
		return 0;
	return pa ? pa : rdmsr(MSR_APIC_BASE) & APIC_BASE_ADDR;
}

/* From "disabled" the way to x2APIC leads through xAPIC. Where CPUID lacks it the firmware cannot
 * have left it on. */
static void set_mode(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	wrmsr(MSR_APIC_BASE, base);
	if (!lapic_base)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
}

/* What firmware may have left on: machine checks' CMCI, thermal, performance counters, AMD's own
 * (SDM vol. 3A, 11.5.1; APM vol. 2, 16.4.5). An entry beyond the last may not be touched. */
static void mask_events(void)
{
	uint32_t version = read(LAPIC_VERSION), last = VERSION_LAST_LVT(version);

	if (last >= 4)
		write(LAPIC_LVT_PERF, LVT_MASKED);
	if (last >= 5)
		write(LAPIC_LVT_THERMAL, LVT_MASKED);
	if (last >= 6)
		write(LAPIC_LVT_CMCI, LVT_MASKED);
	if (!(version & VERSION_EXTENDED))
		return;
	for (uint32_t i = 0; i < EXTENDED_LVTS(read(LAPIC_EXTENDED)); i++)
		write(LAPIC_LVT_EXTENDED(i), LVT_MASKED);
}

bool lapic_in_service(uint8_t vector)
{
	return read(LAPIC_IN_SERVICE(vector)) >> vector % 32 & 1;
}

/* Each EOI ends the highest one. */
static void end_all_in_service(void)
{
	for (int v = 255; v >= 0; v--)
		if (lapic_in_service(v))
			lapic_eoi();
}

void lapic_enable(void)
{
	set_mode();
	/* LVT entries can only be written once the APIC is enabled in software. */
	write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	write(LAPIC_TPR, 0);
	mask_events();
	write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	write(LAPIC_LVT_LINT0, LVT_MASKED);	/* the 8259s, which are not used */
	write(LAPIC_LVT_LINT1, DELIVERY_NMI);
	write(LAPIC_LVT_ERROR, LVT_MASKED);
	write(LAPIC_ESR, 0);
	write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
	end_all_in_service();			/* firmware may have left some */
}

uint32_t lapic_id(void)
{
	return lapic_base ? read(LAPIC_ID) >> 24 : read(LAPIC_ID);
}

static void send(uint32_t apic_id, uint32_t command)
{
	if (!lapic_base) {
		/* This WRMSR does not wait for stores before it; writes to device memory do. */
		__asm__ volatile("mfence; lfence" : : : "memory");
		wrmsr(LAPIC_MSR(LAPIC_ICR_LOW), (uint64_t)apic_id << 32 | ICR_ASSERT | command);
		return;
	}
	/* The previous one may still be on its way; the hardware accepts it without anyone's
	 * help. */
	for (unsigned i = 0; i < ICR_POLLS && read(LAPIC_ICR_LOW) & ICR_PENDING; i++)
		cpu_pause();
	write(LAPIC_ICR_HIGH, apic_id << 24);
	write(LAPIC_ICR_LOW, ICR_ASSERT | command);
}

void lapic_send_ipi(uint32_t apic_id, uint8_t vector)
{
	send(apic_id, vector);
}

void lapic_send_nmi(uint32_t apic_id)
{
	send(apic_id, DELIVERY_NMI);
}

void lapic_send_init(uint32_t apic_id)
{
	send(apic_id, DELIVERY_INIT);
}

void lapic_send_startup(uint32_t apic_id, uint8_t page)
{
	send(apic_id, DELIVERY_STARTUP | page);
}

void lapic_timer_start_counting(void)
{
	write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	write(LAPIC_TIMER_INITIAL, TIMER_MAX);
}

uint32_t lapic_timer_elapsed(void)
{
	return TIMER_MAX - read(LAPIC_TIMER_CURRENT);
}

static void one_shot(uint32_t lvt, uint32_t ticks)
{
	write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
	write(LAPIC_LVT_TIMER, lvt);
	write(LAPIC_TIMER_INITIAL, ticks);
}

void lapic_timer_nmi(uint32_t ticks)
{
	one_shot(DELIVERY_NMI, ticks);
}

void lapic_timer_one_shot(uint32_t ticks)
{
	one_shot(VECTOR_TIMER, ticks);
}

void lapic_timer_periodic(uint32_t hz)
{
	uint64_t count;

	write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
	if (!hz) {
		write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
		write(LAPIC_TIMER_INITIAL, 0);
		return;
	}
	count = (lapic_timer_hz + hz / 2) / hz;
	if (!count)
		count = 1;		/* an initial count of 0 would stop it */
	if (count > TIMER_MAX)
		count = TIMER_MAX;
	write(LAPIC_LVT_TIMER, LVT_PERIODIC | VECTOR_TIMER);
	write(LAPIC_TIMER_INITIAL, count);	/* this write starts the period */
}
