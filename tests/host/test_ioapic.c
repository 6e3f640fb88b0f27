/* SPDX-License-Identifier: MIT */
/* test_ioapic.c - an ISA interrupt arrives at the IOAPIC that has its global interrupt, whichever
 * that is. */
/* sources: arch/x86_64/pc/ioapic.c */
#include "tests/host/machine.h"
#include <stdio.h>
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/ioapic.h"
#include "mm/kspace.h"

#define CHIPS		4
#define BASE_PA(n)	(0xfec00000ul + 0x1000 * (n))
#define VERSION		1
#define PIN(n)		(0x10 + 2 * (n))
#define MASKED		(1u << 16)
#define LEFT_ON		0x91u

struct acpi_info acpi;

/* --- chips ------------------------------------------------------------------------ */

static struct chip {
	uint32_t window[8];		/* as mapped: the index at 0, data at 4 words */
	uint32_t regs[256];
	bool absent;
} chips[CHIPS];

static struct chip *chip_of(volatile uint32_t *reg)
{
	for (unsigned i = 0; i < CHIPS; i++)
		if (reg >= chips[i].window && reg < chips[i].window + 8)
			return &chips[i];
	fail_msg("an access to no chip");
	return NULL;
}

uint32_t mmio_read(volatile uint32_t *reg)
{
	struct chip *c = chip_of(reg);

	if (reg == c->window)
		return c->absent ? 0xffffffff : c->window[0];
	assert_int_equal(reg - c->window, 4);
	return c->absent ? 0xffffffff : c->regs[c->window[0]];
}

void mmio_write(volatile uint32_t *reg, uint32_t v)
{
	struct chip *c = chip_of(reg);

	if (reg == c->window)
		c->window[0] = v;
	else
		c->regs[c->window[0]] = v;
}

volatile void *kspace_map_mmio(uint64_t pa, uint64_t len)
{
	(void)len;
	for (unsigned i = 0; i < CHIPS; i++)
		if (pa == BASE_PA(i))
			return chips[i].window;
	fail_msg("0x%lx was mapped", (unsigned long)pa);
	return NULL;
}

static char console[1024];

void printk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(console, sizeof(console), fmt, ap);
	va_end(ap);
}

static void begin(void)
{
	memset(chips, 0, sizeof(chips));
	memset(&acpi, 0, sizeof(acpi));
	console[0] = '\0';
}

/* One more, with @pins pins, all left on by the firmware. */
static struct chip *add(uint32_t gsi_base, unsigned pins)
{
	struct chip *c = &chips[acpi.ioapic_count];

	c->regs[VERSION] = (pins - 1) << 16 | 0x20;
	for (unsigned i = 0; i < 120; i++)
		c->regs[PIN(i)] = LEFT_ON;
	acpi.ioapics[acpi.ioapic_count].pa = BASE_PA(acpi.ioapic_count);
	acpi.ioapics[acpi.ioapic_count++].gsi_base = gsi_base;
	return c;
}

/* --- tests -------------------------------------------------------------------------- */

static void every_pin_of_every_one_is_masked(void **state)
{
	(void)state;
	begin();
	add(24, 8);
	add(0, 24);
	add(32, 120);
	ioapic_init();
	for (unsigned n = 0; n < 3; n++)
		for (unsigned i = 0; i < 120; i++) {
			bool there = i <= chips[n].regs[VERSION] >> 16;

			assert_int_equal(chips[n].regs[PIN(i)], there ? MASKED : LEFT_ON);
		}
}

/* The first one listed has no ISA interrupt at all. */
static void the_one_with_the_interrupt_gets_it(void **state)
{
	struct chip *high, *low;

	(void)state;
	begin();
	high = add(24, 24);
	low = add(0, 24);
	ioapic_init();
	assert_int_equal(ioapic_route_isa(4, 0x24, 3), 4);
	assert_int_equal(low->regs[PIN(4)], 0x24);
	assert_int_equal(low->regs[PIN(4) + 1], 3u << 24);
	for (unsigned i = 0; i < 24; i++)
		assert_int_equal(high->regs[PIN(i)], MASKED);
}

static void an_override_may_name_any(void **state)
{
	struct chip *high;

	(void)state;
	begin();
	add(0, 24);
	high = add(24, 24);
	acpi.overrides[0] = (struct irq_override){ 9, 31, .active_low = true, .level = true };
	acpi.override_count = 1;
	ioapic_init();
	assert_int_equal(ioapic_route_isa(9, 0x29, 0), 7);
	assert_int_equal(high->regs[PIN(7)], 0x29u | 1u << 13 | 1u << 15);
	assert_int_equal(chips[0].regs[PIN(9)], MASKED);
}

static void an_interrupt_that_none_has_is_refused(void **state)
{
	(void)state;
	begin();
	ioapic_init();
	assert_int_equal(ioapic_route_isa(4, 0x24, 0), -1);
	add(16, 8);
	ioapic_init();
	assert_int_equal(ioapic_route_isa(4, 0x24, 0), -1);
	add(0, 4);
	ioapic_init();
	assert_int_equal(ioapic_route_isa(4, 0x24, 0), -1);
	assert_int_equal(ioapic_route_isa(3, 0x23, 0), 3);
}

/* It would seem to have 256 pins. */
static void one_that_does_not_answer_is_left_out(void **state)
{
	(void)state;
	begin();
	add(0, 24)->absent = true;
	add(0, 24);
	ioapic_init();
	assert_non_null(strstr(console, "0xfec00000"));
	assert_int_equal(ioapic_route_isa(4, 0x24, 0), 4);
	assert_int_equal(chips[1].regs[PIN(4)], 0x24);
	assert_int_equal(chips[0].regs[PIN(4)], LEFT_ON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pin_of_every_one_is_masked),
		cmocka_unit_test(the_one_with_the_interrupt_gets_it),
		cmocka_unit_test(an_override_may_name_any),
		cmocka_unit_test(an_interrupt_that_none_has_is_refused),
		cmocka_unit_test(one_that_does_not_answer_is_left_out),
	};

	return cmocka_run_group_tests_name("ioapic", tests, NULL, NULL);
}
