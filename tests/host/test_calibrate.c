/* SPDX-License-Identifier: MIT */
/* sources: arch/x86_64/clock.c */
/* test_calibrate.c - rates, measured on machines with and without timers, and on a busy host. */
#include <string.h>
#include "tests/host/physmem.h"
#include "arch/x86_64/x86.h"

/* --- the machine: what passes is time, a nanosecond a step of the CPU ----------------- */

#define TSC_KHZ		2345678ul
#define TIMER_KHZ	62500ul
#define ACCESS_NS	1500		/* of a port or of the APIC */
#define MS		1000000ul
#define PM_PORT		0x608

static struct machine {
	bool pit, port_b, pm_timer;	/* what it has */
	uint8_t bus;			/* what nobody's port reads as */
	unsigned pit_percent;		/* the PIT's speed; 0: it has stopped */
	bool pm_stuck, timer_stuck, tsc_stuck;
	unsigned busy_permille;		/* of 1000 steps: the host takes the CPU away */
} m;

static uint64_t now, noise, timer_begin, pit_begin, steps;
static uint8_t port_b_value, pit_mode;
static uint32_t pit_count;
static bool status_latched;
static char said[256];

static void pass(uint64_t ns)
{
	now += ns;
	noise ^= noise << 13, noise ^= noise >> 7, noise ^= noise << 17;
	if (noise / 7 % 1000 < m.busy_permille)
		now += noise % (15 * MS);
	assert_true(++steps < 200000000);
}

static uint64_t ticks(uint64_t ns, uint64_t hz)
{
	return (unsigned __int128)ns * hz / 1000000000;
}

static bool pit_out(void)
{
	return ticks(now - pit_begin, 1193182ul * m.pit_percent / 100) >= pit_count;
}

static uint64_t sim_rdtsc(void)
{
	pass(20);
	return m.tsc_stuck ? 5 : ticks(now, TSC_KHZ * 1000);
}

static void sim_outb(uint16_t port, uint8_t v)
{
	pass(ACCESS_NS);
	if (port == 0x61 && m.port_b) {
		if (v & ~port_b_value & 1)
			pit_begin = now;
		port_b_value = v & 3;
	}
	if (!m.pit)
		return;
	if (port == 0x43 && v == 0xe2) {
		status_latched = true;
	} else if (port == 0x43) {
		pit_mode = v;
	} else if (port == 0x40 || port == 0x42) {
		pit_count = pit_count >> 8 | v << 8;
		pit_begin = now;
	}
}

static uint8_t sim_inb(uint16_t port)
{
	pass(ACCESS_NS);
	if (port == 0x61 && m.port_b)
		return port_b_value | (m.pit && pit_mode == 0xb0 && pit_out() ? 0x20 : 0);
	if (port == 0x40 && m.pit && status_latched)
		return (pit_mode & 0x3f) | (pit_out() ? 0x80 : 0);
	return m.bus;
}

static uint32_t sim_inl(uint16_t port)
{
	pass(ACCESS_NS);
	if (port != PM_PORT || !m.pm_timer)
		return m.bus * 0x01010101u;
	return m.pm_stuck ? 77 : ticks(now, 3579545) & 0xffffff;
}

/* --- what calibrate.c needs, and itself ------------------------------------------------- */

#define rdtsc	sim_rdtsc
#define inb	sim_inb
#define outb	sim_outb
#define inl	sim_inl
#include "arch/x86_64/pc/calibrate.c"

struct acpi_info acpi;
uint64_t lapic_timer_hz;

void lapic_timer_start_counting(void)
{
	pass(ACCESS_NS);
	timer_begin = now;
}

uint32_t lapic_timer_elapsed(void)
{
	pass(ACCESS_NS);
	return m.timer_stuck ? 0 : ticks(now - timer_begin, TIMER_KHZ * 1000);
}

void lapic_timer_periodic(uint32_t hz)
{
	assert_int_equal(hz, 0);
}

void printk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
}

/* --- tests --------------------------------------------------------------------------------- */

static const struct machine pc = {
	.pit = true, .port_b = true, .pm_timer = true, .bus = 0xff, .pit_percent = 100,
};

static void begin(struct machine machine)
{
	m = machine;
	acpi.pm_timer_port = m.pm_timer ? PM_PORT : 0;
	now = 123456789;
	noise = 88172645463325252ul;
	steps = pit_count = 0;
	tsc_hz = lapic_timer_hz = 0;
	said[0] = '\0';
}

static void assert_near(uint64_t value, uint64_t right)
{
	if (value < right - right / 50 || value > right + right / 50)
		fail_msg("%lu, not about %lu", value, right);
}

static void assert_right(struct machine machine, const char *reference)
{
	begin(machine);
	clock_calibrate();
	assert_near(tsc_hz, TSC_KHZ * 1000);
	assert_near(lapic_timer_hz, TIMER_KHZ * 1000);
	if (!strstr(said, reference))
		fail_msg("the console says \"%s\", not \"%s\"", said, reference);
}

static void assert_refused(struct machine machine)
{
	begin(machine);
	EXPECT_PANIC(clock_calibrate(), "clock: nothing to measure time against");
}

static void what_is_there_is_used(void **state)
{
	struct machine all = pc, no_port = pc, no_pit = pc;

	(void)state;
	no_port.port_b = false;
	no_pit.pit = no_pit.port_b = false;
	for (int bus = 0; bus <= 0xff; bus++) {
		all.bus = no_port.bus = no_pit.bus = bus;
		assert_right(all, "PIT channel 2");
		assert_right(no_port, "PIT channel 0");
		assert_right(no_pit, "the ACPI PM timer");
	}
}

/* Port 0x61 answers, but no PIT is behind it, or one that stands still. */
static void what_does_not_count_is_not_used(void **state)
{
	struct machine no_pit = pc, still = pc;

	(void)state;
	no_pit.pit = false;
	assert_right(no_pit, "the ACPI PM timer");
	still.pit_percent = 0;
	assert_right(still, "the ACPI PM timer");
}

static void nothing_is_told(void **state)
{
	struct machine none = { .bus = 0xff }, stuck = none, timer = pc, tsc = pc, pit = pc;

	(void)state;
	for (int bus = 0; bus <= 0xff; bus++) {
		none.bus = bus;
		assert_refused(none);
	}
	stuck.pm_timer = stuck.pm_stuck = true;
	assert_refused(stuck);
	timer.timer_stuck = true;
	assert_refused(timer);
	tsc.tsc_stuck = true;
	assert_refused(tsc);
	pit.pm_timer = false;
	pit.pit_percent = 0;
	assert_refused(pit);
}

/* The host runs something else for up to 15 ms, again and again, at any place: nine tenths of the
 * time, and in the end all but a hundredth. */
static void a_busy_host_spoils_nothing(void **state)
{
	struct machine busy = pc;

	(void)state;
	for (unsigned which = 0; which < 3; which++) {
		busy.port_b = which < 1;
		busy.pit = which < 2;
		for (busy.busy_permille = 1; busy.busy_permille <= 50; busy.busy_permille += 7)
			assert_right(busy, references[which].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_is_used),
		cmocka_unit_test(what_does_not_count_is_not_used),
		cmocka_unit_test(nothing_is_told),
		cmocka_unit_test(a_busy_host_spoils_nothing),
	};

	return cmocka_run_group_tests_name("calibrate", tests, NULL, NULL);
}
