/* SPDX-License-Identifier: MIT */
/* test_lapic.c - what firmware may have left on in a local APIC: masked, and ended, as far as it
 * is there. */
/* sources: arch/x86_64/lapic.c */
#include "tests/host/machine.h"
#include "arch/x86_64/lapic.h"

#define PAGE		4096
#define VERSION		0x30
#define IN_SERVICE	0x100
#define CMCI		0x2f0
#define THERMAL		0x330
#define PERF		0x340
#define SPURIOUS	0xf0
#define TIMER		0x320
#define LINT0		0x350
#define LINT1		0x360
#define ERROR		0x370
#define EXT_FEATURE	0x400
#define EXT_LVT		0x500
#define MASKED		(1u << 16)
#define LEFT_ON		0x91u		/* a vector, unmasked */
#define NO_EOI		0xdeadbeefu

uint32_t cpu_features;
static volatile uint32_t regs[PAGE / 4];

/* --- a local APIC ------------------------------------------------------------- */

/* An EOI ends the highest interrupt in service. */
static void take_eoi(void)
{
	if (regs[LAPIC_EOI / 4] == NO_EOI)
		return;
	regs[LAPIC_EOI / 4] = NO_EOI;
	for (unsigned v = 256; v-- > 0;) {
		volatile uint32_t *word = &regs[(IN_SERVICE + v / 32 * 16) / 4];

		if (!(*word >> v % 32 & 1))
			continue;
		*word &= ~(1u << v % 32);
		return;
	}
}

uint32_t mmio_read(volatile uint32_t *reg)
{
	take_eoi();
	return *reg;
}

void mmio_write(volatile uint32_t *reg, uint32_t v)
{
	*reg = v;
}

static void in_service(unsigned v)
{
	regs[(IN_SERVICE + v / 32 * 16) / 4] |= 1u << v % 32;
}

/* An APIC whose LVT entry @last_lvt is the last, with everything left on, and @more entries of
 * AMD's. */
static void begin(uint32_t last_lvt, uint32_t more)
{
	memset((void *)regs, 0, sizeof(regs));
	plant_nothing();
	plant_msr(MSR_APIC_BASE, 0xfee00000);
	regs[VERSION / 4] = last_lvt << 16 | 0x14 | (more ? 1u << 31 : 0);
	regs[EXT_FEATURE / 4] = more << 16;
	regs[CMCI / 4] = regs[THERMAL / 4] = regs[PERF / 4] = LEFT_ON;
	for (unsigned i = 0; i < 8; i++)
		regs[EXT_LVT / 4 + 4 * i] = LEFT_ON;
	regs[LAPIC_EOI / 4] = NO_EOI;
	assert_true(lapic_registers(0xfee00000) == 0xfee00000 && lapic_registers(0) == 0xfee00000);
	lapic_base = regs;
}

static void assert_masked(unsigned reg, bool masked)
{
	if (!!(regs[reg / 4] & MASKED) != masked)
		fail_msg("register %x is %x", reg, regs[reg / 4]);
}

/* --- tests ---------------------------------------------------------------------- */

static void events_are_masked_as_far_as_they_are_there(void **state)
{
	(void)state;
	for (unsigned last = 3; last <= 7; last++) {
		begin(last, 0);
		lapic_enable();
		assert_masked(PERF, last >= 4);
		assert_masked(THERMAL, last >= 5);
		assert_masked(CMCI, last >= 6);
		assert_masked(EXT_LVT, false);
	}
}

static void amds_own_events_are_masked(void **state)
{
	(void)state;
	for (unsigned more = 1; more <= 4; more++) {
		begin(5, more);
		lapic_enable();
		for (unsigned i = 0; i < 8; i++)
			assert_masked(EXT_LVT + 16 * i, i < more);
		assert_masked(CMCI, false);
	}
}

static void whatever_is_in_service_is_ended(void **state)
{
	static const uint8_t vectors[] = { 16, 31, 32, 0x91, 0x92, 255 };

	(void)state;
	for (unsigned n = 0; n <= sizeof(vectors); n++) {
		begin(5, 0);
		for (unsigned i = 0; i < n; i++)
			in_service(vectors[i]);
		lapic_enable();
		for (unsigned v = 0; v < 256; v++)
			assert_false(lapic_in_service(v));
	}
}

/* TPR 0 lets every interrupt in; LINT1 is the NMI's; nothing else comes until somebody asks. */
static void what_firmware_left_is_replaced(void **state)
{
	(void)state;
	begin(5, 0);
	regs[LAPIC_TPR / 4] = 0xf0;
	regs[LINT0 / 4] = regs[LINT1 / 4] = regs[ERROR / 4] = regs[TIMER / 4] = LEFT_ON;
	lapic_enable();
	assert_int_equal(regs[LAPIC_TPR / 4], 0);
	assert_int_equal(regs[LINT1 / 4], 4 << 8);
	assert_masked(LINT0, true);
	assert_masked(ERROR, true);
	assert_masked(TIMER, true);
	assert_true(regs[SPURIOUS / 4] & 1u << 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_firmware_left_is_replaced),
		cmocka_unit_test(events_are_masked_as_far_as_they_are_there),
		cmocka_unit_test(amds_own_events_are_masked),
		cmocka_unit_test(whatever_is_in_service_is_ended),
	};

	return cmocka_run_group_tests_name("lapic", tests, NULL, NULL);
}
