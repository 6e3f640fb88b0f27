/* SPDX-License-Identifier: MIT */
/*
 * calibrate.c - how fast the TSC and the LAPIC timer run, measured against a known frequency.
 *
 * A bus without the clock answers too, with 0xff or 0, so nothing is believed that
 * was not seen to count: two waits, one twice as long as the other, must give the
 * same rates.  A host that took the CPU away in between makes a wait look long; a
 * reading that cannot say exactly when its wait began and ended is thrown away.
 */
#include "arch/x86_64/clock.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/x86.h"
#include "kernel/console/panic.h"
#include "kernel/console/printk.h"

#define PIT_HZ		1193182
#define PIT_CHANNEL(n)	(0x40 + (n))
#define PIT_MODE	0x43
#define MODE_CH0_ONE_SHOT 0x30		/* channel 0, both bytes, mode 0: OUT rises at zero */
#define MODE_CH2_ONE_SHOT 0xb0
#define READ_BACK_CH0	0xe2		/* its status, not its count */
#define STATUS_OUT	0x80
#define STATUS_MODE	0x3f
#define PORT_B		0x61
#define PORT_B_GATE2	0x01
#define PORT_B_SPEAKER	0x02
#define PORT_B_OUT2	0x20

#define PM_TIMER_HZ	3579545
#define PM_TIMER_MASK	0xffffffu	/* ACPI 6.5, 4.8.3.3: 24 bits are always there */

#define SHORT_MS	5
#define LONG_MS		10
#define ATTEMPTS	100		/* nonsense is soon through */
#define SPOILT_MAX	5000		/* a busy host spoils nearly all, and takes its time */
#define POLL_LIMIT	10000000	/* far beyond LONG_MS; 1 million under icount */
#define SLACK		128		/* of a wait, at most 1/SLACK may be doubtful */
#define AGREEMENT	64		/* two rates may differ by 1/AGREEMENT */

/* No processor with a 64-bit mode is outside, and in clock.c no product overflows; a timer
 * divided by 16 is slower. */
#define TSC_MIN		1000000ul
#define TSC_MAX		18000000000ul
#define TIMER_MIN	10000ul
#define TIMER_MAX	10000000000ul

struct reference {
	const char *name;
	uint32_t hz;
	bool (*there)(void);		/* does it look like one? */
	void (*start)(uint32_t count);	/* @count of its ticks begin */
	bool (*over)(void);		/* have they passed? */
};

/* --- PIT channel 2, gate and output at port 0x61 ------------------------------------ */

static uint8_t port_b(uint8_t gate)
{
	outb(PORT_B, (inb(PORT_B) & ~(PORT_B_GATE2 | PORT_B_SPEAKER)) | gate);
	return inb(PORT_B) & (PORT_B_GATE2 | PORT_B_SPEAKER);
}

static bool pit2_there(void)
{
	return port_b(PORT_B_GATE2) == PORT_B_GATE2 && port_b(0) == 0;
}

/* Loaded with the gate closed; opening it starts the count. QEMU starts at the load. */
static void pit2_start(uint32_t count)
{
	port_b(0);
	outb(PIT_MODE, MODE_CH2_ONE_SHOT);
	outb(PIT_CHANNEL(2), count & 0xff);
	outb(PIT_CHANNEL(2), count >> 8);
	port_b(PORT_B_GATE2);
}

static bool pit2_over(void)
{
	return inb(PORT_B) & PORT_B_OUT2;
}

/* --- PIT channel 0, where port 0x61 is missing -------------------------------------- */

/* Firmware's periodic interrupt ends here. Nobody takes it: the controllers have it masked. */
static void pit0_start(uint32_t count)
{
	outb(PIT_MODE, MODE_CH0_ONE_SHOT);
	outb(PIT_CHANNEL(0), count & 0xff);
	outb(PIT_CHANNEL(0), count >> 8);
}

static uint8_t pit0_status(void)
{
	outb(PIT_MODE, READ_BACK_CH0);
	return inb(PIT_CHANNEL(0));
}

static bool pit0_there(void)
{
	pit0_start(1);
	return (pit0_status() & STATUS_MODE) == MODE_CH0_ONE_SHOT;
}

static bool pit0_over(void)
{
	return pit0_status() & STATUS_OUT;
}

/* --- the ACPI PM timer, which runs by itself ------------------------------------------ */

static uint32_t pm_begin, pm_count;

static bool pm_there(void)
{
	return acpi.pm_timer_port != 0;
}

static void pm_start(uint32_t count)
{
	pm_count = count;
	pm_begin = inl(acpi.pm_timer_port);
}

static bool pm_over(void)
{
	return ((inl(acpi.pm_timer_port) - pm_begin) & PM_TIMER_MASK) >= pm_count;
}

/* With a PIT no figure depends on the time of boot: the kernel starts its one-shots itself. */
static const struct reference references[] = {
	{ "PIT channel 2", PIT_HZ, pit2_there, pit2_start, pit2_over },
	{ "PIT channel 0", PIT_HZ, pit0_there, pit0_start, pit0_over },
	{ "the ACPI PM timer", PM_TIMER_HZ, pm_there, pm_start, pm_over },
};
#define REFERENCES (sizeof(references) / sizeof(references[0]))

/* --- one wait ---------------------------------------------------------------------------- */

struct reading {
	uint64_t tsc, timer;		/* ticks a second */
	bool tight;			/* its ends are known well enough */
};

/* Wait for @ms. False when it never ends. Its end lies between the begin of the last poll but one
 * and the end of the last. */
static bool measure(const struct reference *ref, uint32_t ms, struct reading *r)
{
	uint32_t count = ref->hz / 1000 * ms, polls = 0, timer;
	uint64_t before = rdtsc(), begin, last, poll, end;
	bool over;

	lapic_timer_start_counting();
	ref->start(count);
	begin = poll = end = rdtsc();
	do {
		last = poll;
		poll = end;
		over = ref->over();
		timer = lapic_timer_elapsed();
		end = rdtsc();
	} while (!over && ++polls < POLL_LIMIT);
	r->tsc = (end - begin) * ref->hz / count;
	r->timer = (uint64_t)timer * ref->hz / count;
	r->tight = begin - before + (end - last) <= (end - begin) / SLACK;
	return over;
}

static bool near(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= a / AGREEMENT;
}

static bool plausible(const struct reading *a, const struct reading *b)
{
	return near(a->tsc, b->tsc) && a->tsc >= TSC_MIN && a->tsc <= TSC_MAX &&
	       near(a->timer, b->timer) && a->timer >= TIMER_MIN && a->timer <= TIMER_MAX;
}

/* A long wait and a short one that agree; *@r is the long one's. */
static bool measure_twice(const struct reference *ref, struct reading *r)
{
	struct reading other = { .tight = false };
	unsigned spoilt = 0, attempts = 0;

	r->tight = false;
	while (attempts < ATTEMPTS && spoilt < SPOILT_MAX) {
		if (!r->tight && !measure(ref, LONG_MS, r))
			return false;
		if (!other.tight && !measure(ref, SHORT_MS, &other))
			return false;
		if (!r->tight || !other.tight) {
			spoilt++;
			continue;
		}
		if (plausible(r, &other))
			return true;
		attempts++;
		r->tight = other.tight = false;
	}
	return false;
}

void clock_calibrate(void)
{
	struct reading r;

	for (unsigned i = 0; i < REFERENCES; i++) {
		const struct reference *ref = &references[i];

		if (!ref->there() || !measure_twice(ref, &r))
			continue;
		lapic_timer_hz = r.timer;
		lapic_timer_periodic(0);
		clock_start(r.tsc);
		printk("clock: TSC %lu kHz, LAPIC timer %lu kHz, measured against %s\n",
		       r.tsc / 1000, r.timer / 1000, ref->name);
		return;
	}
	panic("clock: nothing to measure time against: "
	      "neither a PIT (port 0x61 or 0x40) nor the ACPI PM timer counts");
}
