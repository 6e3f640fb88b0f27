/* SPDX-License-Identifier: MIT */
/*
 * clock.c - time from the TSC, measured once against a one-shot of PIT channel 2.
 *
 * The kernel starts the one-shot itself, so the result does not depend on when
 * the machine was booted; a free-running counter's phase would.
 */
#include "arch/x86_64/clock.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/x86.h"
#include "kernel/panic.h"

#define PIT_HZ		1193182
#define PIT_COUNT	11932		/* 10 ms */
#define PIT_CHANNEL2	0x42
#define PIT_MODE	0x43
#define MODE_CH2_ONE_SHOT 0xb0		/* channel 2, both bytes, mode 0: OUT rises at zero */
#define PORT_B		0x61
#define PORT_B_GATE2	0x01
#define PORT_B_SPEAKER	0x02
#define PORT_B_OUT2	0x20
#define POLL_LIMIT	100000000	/* far beyond 10 ms on any machine; 10 ms are 2 million polls under icount */

#define NS_PER_S	1000000000ul

uint64_t tsc_hz;

static uint64_t tsc_start;

/* Load channel 2 with its gate closed; opening the gate starts it. */
static void pit_prepare(void)
{
	outb(PORT_B, inb(PORT_B) & ~(PORT_B_GATE2 | PORT_B_SPEAKER));
	outb(PIT_MODE, MODE_CH2_ONE_SHOT);
	outb(PIT_CHANNEL2, PIT_COUNT & 0xff);
	outb(PIT_CHANNEL2, PIT_COUNT >> 8);
}

static void pit_wait(void)
{
	for (unsigned i = 0; i < POLL_LIMIT; i++)
		if (inb(PORT_B) & PORT_B_OUT2)
			return;
	panic("clock: PIT channel 2 does not count");
}

static uint64_t per_second(uint64_t ticks)
{
	return ticks * PIT_HZ / PIT_COUNT;
}

void clock_calibrate(void)
{
	uint64_t begin, tsc_ticks, lapic_ticks;

	pit_prepare();
	lapic_timer_start_counting();
	outb(PORT_B, (inb(PORT_B) & ~PORT_B_SPEAKER) | PORT_B_GATE2);
	begin = rdtsc();
	pit_wait();
	tsc_ticks = rdtsc() - begin;
	lapic_ticks = lapic_timer_elapsed();
	outb(PORT_B, inb(PORT_B) & ~PORT_B_GATE2);

	tsc_hz = per_second(tsc_ticks);
	lapic_timer_hz = per_second(lapic_ticks);
	if (!tsc_hz || !lapic_timer_hz)
		panic("clock: the %s does not count", tsc_hz ? "LAPIC timer" : "TSC");
	lapic_timer_periodic(0);
	tsc_start = rdtsc();
}

/* Whole seconds and the rest apart, so that no product overflows. */
uint64_t clock_ns(void)
{
	uint64_t ticks = rdtsc() - tsc_start;

	return ticks / tsc_hz * NS_PER_S + ticks % tsc_hz * NS_PER_S / tsc_hz;
}

uint64_t clock_ns_to_tsc(uint64_t ns)
{
	uint64_t seconds = ns / NS_PER_S;

	/* Half the range is centuries, and adding it to the present cannot wrap. */
	if (seconds >= UINT64_MAX / 2 / tsc_hz)
		return UINT64_MAX / 2;
	return seconds * tsc_hz + ns % NS_PER_S * tsc_hz / NS_PER_S;
}
