/* SPDX-License-Identifier: MIT */
/* test_acpi.c - the CPUs that a MADT names, the FADT's timer, and tables that are damaged in every way. */
/* sources: arch/x86_64/acpi.c */
#include <string.h>
#include "tests/host/machine.h"
#include "tests/host/physmem.h"
#include "arch/x86_64/acpi.h"
#include "mm/frames.h"
#include "mm/kspace.h"

#define RSDP_PA	0x1000ul
#define XSDT_PA	0x2000ul
#define MADT_PA	0x3000ul
#define FADT_PA	0x2800ul
#define HEADER	36			/* bytes of a table's head (ACPI 6.5, 5.2.6) */
#define ENABLED	1u

/* --- what acpi.c needs from the kernel --------------------------------------- */

uint64_t frames_ram_end(void)
{
	return PHYS_BYTES;
}

volatile void *kspace_map_mmio(uint64_t pa, uint64_t len)
{
	fail_msg("0x%lx bytes at 0x%lx were mapped", (unsigned long)len, (unsigned long)pa);
	return NULL;
}

static char console[4096];

void printk(const char *fmt, ...)
{
	size_t used = strlen(console);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(console + used, sizeof(console) - used, fmt, ap);
	va_end(ap);
}

/* --- building tables ----------------------------------------------------------- */

static uint8_t *madt, *madt_end;

static void put(const void *bytes, size_t n)
{
	memcpy(madt_end, bytes, n);
	madt_end += n;
}

static void set_checksum(uint8_t *table, size_t len, size_t at)
{
	uint8_t sum = 0;

	table[at] = 0;
	for (size_t i = 0; i < len; i++)
		sum += table[i];
	table[at] = -sum;
}

static void finish(uint8_t *table, const char *signature, uint32_t len)
{
	memcpy(table, signature, 4);
	memcpy(table + 4, &len, 4);
	set_checksum(table, len, 9);
}

/* An RSDP and an XSDT that names the MADT; the MADT with no entries yet. */
static void begin_tables(void)
{
	uint8_t *rsdp = phys + RSDP_PA, *xsdt = phys + XSDT_PA;
	uint64_t xsdt_pa = XSDT_PA, madt_pa = MADT_PA;
	uint32_t lapic_pa = 0xfee00000, rsdp_len = 36;

	memset(phys, 0, MADT_PA + 0x1000);
	memset(&acpi, 0, sizeof(acpi));
	console[0] = '\0';
	memcpy(rsdp, "RSD PTR ", 8);
	rsdp[15] = 2;
	memcpy(rsdp + 20, &rsdp_len, 4);
	memcpy(rsdp + 24, &xsdt_pa, 8);
	set_checksum(rsdp, 20, 8);
	set_checksum(rsdp, 36, 32);
	memcpy(xsdt + HEADER, &madt_pa, 8);
	finish(xsdt, "XSDT", HEADER + 8);
	madt = phys + MADT_PA;
	madt_end = madt + HEADER;
	put(&lapic_pa, 4);
	put("\0\0\0\0", 4);
}

static void add_lapic(uint8_t apic_id, uint32_t flags)
{
	const uint8_t head[] = { 0, 8, 0, apic_id };

	put(head, sizeof(head));
	put(&flags, 4);
}

static void add_x2apic(uint32_t apic_id, uint32_t flags)
{
	const uint8_t head[] = { 9, 16, 0, 0 };

	put(head, sizeof(head));
	put(&apic_id, 4);
	put(&flags, 4);
	put("\0\0\0\0", 4);
}

static void init(void)
{
	struct bootinfo bi = { .rsdp_pa = RSDP_PA };

	acpi_init(&bi);
}

static void end_tables(void)
{
	finish(madt, "APIC", madt_end - madt);
	init();
}

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

static void assert_defaults(const char *reason)
{
	assert_false(acpi.present);
	assert_int_equal(acpi.cpu_count, 1);
	assert_true(acpi.lapic_pa == 0xfee00000 && acpi.ioapic_count == 1 && acpi.ioapics[0].pa == 0xfec00000);
	if (!strstr(console, reason) || !strstr(console, "assuming one CPU"))
		fail_msg("the console lacks \"%s\": %s", reason, console);
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

/* Whatever one byte says, with a checksum that fits: no read outside memory, no CPU from nowhere. */
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
		cmocka_unit_test(no_cpu_is_no_madt),
		cmocka_unit_test(a_bad_checksum_is_told),
		cmocka_unit_test(short_entries_are_refused),
		cmocka_unit_test(any_byte_may_be_wrong),
		cmocka_unit_test(the_pm_timer_is_found),
	};

	return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}
