/* SPDX-License-Identifier: MIT */
/* test_acpi.c - the CPUs that a MADT names, the FADT's timer, and tables that are damaged in every
 * way. */
/* sources: arch/x86_64/pc/acpi.c arch/x86_64/pc/madt.c */
#include "tests/host/acpitables.h"

#define FADT_PA	0x2800ul

/* One more table for the XSDT. */
static void add_fadt(uint32_t len)
{
	uint64_t fadt_pa = FADT_PA;

	memcpy(phys + XSDT_PA + HEADER + 8, &fadt_pa, 8);
	finish(phys + XSDT_PA, "XSDT", HEADER + 16);
	finish(phys + FADT_PA, "FACP", len);
}

/* The PM timer's port, narrow and wide, as ACPI 6.5, 5.2.9 has them. */
static void put_pm_timer(uint32_t port, uint8_t len, uint8_t space, uint64_t at)
{
	memcpy(phys + FADT_PA + 76, &port, 4);
	phys[FADT_PA + 91] = len;
	phys[FADT_PA + 208] = space;
	memcpy(phys + FADT_PA + 212, &at, 8);
}

static void add_override(uint8_t bus, uint8_t source, uint32_t gsi)
{
	const uint8_t head[] = { 2, 10, bus, source };

	put(head, sizeof(head));
	put(&gsi, 4);
	put("\0\0", 2);
}

/* --- tests ----------------------------------------------------------------------- */

static void enabled_cpus_of_both_kinds_are_found(void **state)
{
	(void)state;
	begin_tables();
	add_lapic(0, ENABLED);
	add_lapic(1, 0);		/* absent, may be plugged in */
	add_lapic(2, ENABLED);
	add_x2apic(2, ENABLED);		/* the same one again */
	add_x2apic(0x12345, ENABLED);
	add_x2apic(0x12346, 2);
	end_tables();
	assert_true(acpi.present);
	assert_int_equal(acpi.cpu_count, 3);
	assert_int_equal(acpi.cpu_apic_ids[1], 2);
	assert_int_equal(acpi.cpu_apic_ids[2], 0x12345);
	assert_string_equal(console, "");
}

static void every_ioapic_is_found(void **state)
{
	(void)state;
	begin_tables();
	add_lapic(0, ENABLED);
	for (uint32_t i = 0; i < ACPI_IOAPICS + 1; i++) {
		const uint8_t head[] = { 1, 12, i, 0 };
		uint32_t pa = 0xfec00000 + i * 0x1000, gsi_base = (i ^ 1) * 24;

		put(head, sizeof(head));
		put(&pa, 4);
		put(&gsi_base, 4);
	}
	end_tables();
	assert_int_equal(acpi.ioapic_count, ACPI_IOAPICS);
	assert_int_equal(acpi.ioapics[0].gsi_base, 24);
	assert_int_equal(acpi.ioapics[1].gsi_base, 0);
	assert_int_equal(acpi.ioapics[1].pa, 0xfec01000);
	assert_non_null(strstr(console, "0xfec20000 is left out"));
}

static void too_many_cpus_are_counted(void **state)
{
	(void)state;
	begin_tables();
	for (unsigned i = 0; i < MAX_CPUS + 7; i++)
		add_x2apic(i, ENABLED);
	end_tables();
	assert_int_equal(acpi.cpu_count, MAX_CPUS);
	assert_int_equal(acpi.cpus_left_out, 7);
	assert_non_null(strstr(console, "7 CPUs are left out"));
}

/* Ids that address every CPU at once: an INIT to one would reset the machine. */
static void everybody_is_no_cpu(void **state)
{
	(void)state;
	begin_tables();
	add_lapic(0xff, ENABLED);
	add_x2apic(0xffffffff, ENABLED);
	add_lapic(0xfe, ENABLED);
	add_x2apic(0xff, ENABLED);	/* as an x2APIC's it is an id like others */
	add_lapic(0xff, 0);
	end_tables();
	assert_int_equal(acpi.cpu_count, 2);
	assert_int_equal(acpi.cpu_apic_ids[0], 0xfe);
	assert_int_equal(acpi.cpu_apic_ids[1], 0xff);
	assert_non_null(strstr(console, "a CPU with APIC id 255 ignored"));
	assert_non_null(strstr(console, "a CPU with APIC id 4294967295 ignored"));
	assert_null(strstr(strstr(console, "id 255") + 1, "id 255"));
}

/* Whatever else is listed, each ISA interrupt's override is found; the first one of each counts. */
static void overrides_that_are_not_isas_take_no_room(void **state)
{
	(void)state;
	begin_tables();
	add_lapic(0, ENABLED);
	for (unsigned i = 0; i < 20; i++)
		add_override(0, 16 + i, 100);
	add_override(1, 3, 101);	/* of another bus */
	for (unsigned i = 0; i < 16; i++) {
		add_override(0, i, 32 + i);
		add_override(0, i, 200);
	}
	end_tables();
	assert_int_equal(acpi.override_count, 16);
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(acpi.overrides[i].source, i);
		assert_int_equal(acpi.overrides[i].gsi, 32 + i);
	}
}

static void no_cpu_is_no_madt(void **state)
{
	(void)state;
	begin_tables();
	add_lapic(0, 0);
	end_tables();
	assert_defaults("malformed MADT");
}

static void a_bad_checksum_is_told(void **state)
{
	const uint64_t places[] = { MADT_PA, XSDT_PA };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		begin_tables();
		add_lapic(0, ENABLED);
		finish(madt, "APIC", madt_end - madt);
		phys[places[i] + 20]++;
		init();
		assert_defaults("bad length or checksum");
	}
	begin_tables();
	phys[RSDP_PA + 33]++;
	init();
	assert_defaults("no MADT");
}

/* Where the BIOS's area ends there is room for the first version's 20 bytes, not for the second's
 * 36. */
static void an_old_rsdp_lies_at_the_very_end(void **state)
{
	uint8_t *rsdp = phys + 0xfffe0;
	uint32_t rsdt_pa = XSDT_PA, madt_pa = MADT_PA;
	struct bootinfo none = { 0 };

	(void)state;
	begin_tables();
	add_lapic(7, ENABLED);
	finish(madt, "APIC", madt_end - madt);
	memset(phys + XSDT_PA, 0, HEADER + 8);
	memcpy(phys + XSDT_PA + HEADER, &madt_pa, 4);
	finish(phys + XSDT_PA, "RSDT", HEADER + 4);
	memcpy(rsdp, "RSD PTR ", 8);
	memcpy(rsdp + 16, &rsdt_pa, 4);
	set_checksum(rsdp, 20, 8);
	acpi_init(&none);
	memset(rsdp, 0, 20);
	assert_true(acpi.present && acpi.cpu_apic_ids[0] == 7);
}

/* Nor is half an address of the list one, whatever lies behind it. */
static void an_address_that_is_cut_off_is_none(void **state)
{
	(void)state;
	for (unsigned bytes = 1; bytes < 8; bytes++) {
		begin_tables();
		add_lapic(0, ENABLED);
		finish(madt, "APIC", madt_end - madt);
		finish(phys + XSDT_PA, "XSDT", HEADER + bytes);
		init();
		assert_defaults("no MADT");
	}
}

/* The table's length cuts its last entry off at every byte; so does an entry's own length. */
static void short_entries_are_refused(void **state)
{
	(void)state;
	for (unsigned cut = 1; cut < 16; cut++) {
		begin_tables();
		add_lapic(0, ENABLED);
		add_x2apic(1, ENABLED);
		madt_end -= cut;
		end_tables();
		assert_defaults("malformed MADT");
	}
	for (unsigned len = 0; len < 16; len++) {
		begin_tables();
		add_lapic(0, ENABLED);
		add_x2apic(1, ENABLED);
		madt_end[1 - 16] = len;
		end_tables();
		assert_defaults("malformed MADT");
	}
}

/* Whatever one byte says, with a checksum that fits: no read outside memory, no CPU from
 * nowhere. */
static void any_byte_may_be_wrong(void **state)
{
	(void)state;
	for (unsigned at = 4; at < HEADER + 8 + 2 * 8 + 16; at++)
		for (unsigned value = 0; value < 256; value++) {
			uint32_t len;

			begin_tables();
			add_lapic(0, ENABLED);
			add_lapic(1, ENABLED);
			add_x2apic(2, ENABLED);
			finish(madt, "APIC", madt_end - madt);
			madt[at] = value;
			memcpy(&len, madt + 4, 4);
			if (len <= 0x10000)
				set_checksum(madt, len > 9 ? len : 10, 9);
			init();
			assert_true(acpi.cpu_count >= 1 && acpi.cpu_count <= 3);
		}
}

static void the_pm_timer_is_found(void **state)
{
	static const struct {
		uint32_t table, port;
		uint8_t len, space;
		uint64_t at;
		uint16_t result;
	} cases[] = {
		{ 116, 0x608, 4, 0, 0, 0x608 },		/* version 1 */
		{ 116, 0x608, 4, 1, 0xb008, 0x608 },	/* the wide form is not part of the table */
		{ 115, 0x608, 4, 0, 0, 0 },		/* too short */
		{ 276, 0x608, 4, 1, 0xb008, 0xb008 },
		{ 276, 0x608, 4, 1, 0, 0x608 },
		{ 276, 0x608, 4, 0, 0xfed80808, 0 },	/* in memory */
		{ 276, 0x608, 4, 1, 0x10608, 0 },
		{ 276, 0x608, 0, 0, 0, 0 },		/* none: hardware-reduced */
		{ 276, 0x10608, 4, 0, 0, 0 },
		{ 276, 0, 0, 0, 0, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin_tables();
		add_lapic(0, ENABLED);
		put_pm_timer(cases[i].port, cases[i].len, cases[i].space, cases[i].at);
		add_fadt(cases[i].table);
		end_tables();
		assert_true(acpi.present);
		assert_int_equal(acpi.pm_timer_port, cases[i].result);
		assert_string_equal(console, "");
	}
	phys[FADT_PA + 80]++;
	init();
	assert_int_equal(acpi.pm_timer_port, 0);
	assert_non_null(strstr(console, "FACP"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enabled_cpus_of_both_kinds_are_found),
		cmocka_unit_test(every_ioapic_is_found),
		cmocka_unit_test(too_many_cpus_are_counted),
		cmocka_unit_test(everybody_is_no_cpu),
		cmocka_unit_test(overrides_that_are_not_isas_take_no_room),
		cmocka_unit_test(no_cpu_is_no_madt),
		cmocka_unit_test(a_bad_checksum_is_told),
		cmocka_unit_test(an_old_rsdp_lies_at_the_very_end),
		cmocka_unit_test(an_address_that_is_cut_off_is_none),
		cmocka_unit_test(short_entries_are_refused),
		cmocka_unit_test(any_byte_may_be_wrong),
		cmocka_unit_test(the_pm_timer_is_found),
	};

	return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}
