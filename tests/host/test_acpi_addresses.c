/* SPDX-License-Identifier: MIT */
/* test_acpi_addresses.c - tables and registers wherever a 64-bit address may point. */
/* sources: arch/x86_64/pc/acpi.c arch/x86_64/pc/madt.c */
#include "tests/host/acpitables.h"

/* An XSDT whose first entry is @pa and whose second one is the MADT. */
static void begin_with_entry(uint64_t pa)
{
	uint64_t madt_pa = MADT_PA;

	begin_tables();
	add_lapic(0, ENABLED);
	memcpy(phys + XSDT_PA + HEADER, &pa, 8);
	memcpy(phys + XSDT_PA + HEADER + 8, &madt_pa, 8);
	finish(phys + XSDT_PA, "XSDT", HEADER + 16);
}

static void an_entry_beyond_the_processors_addresses_is_not_followed(void **state)
{
	static const uint64_t nowhere[] = {
		0, 1ul << 40, (1ul << 40) - HEADER + 1, 1ul << 46, 1ul << 52, 1ul << 63, ~0ul,
		~0ul - HEADER + 1,
	};
	char word[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		begin_with_entry(nowhere[i]);
		end_tables();
		assert_true(acpi.present);
		snprintf(word, sizeof(word), "a table at 0x%lx ignored", (unsigned long)nowhere[i]);
		if (!strstr(console, word))
			fail_msg("the console lacks \"%s\": %s", word, console);
		if (strstr(strstr(console, word) + 1, word))
			fail_msg("\"%s\" is said twice", word);
	}
}

static void an_xsdt_beyond_them_is_named(void **state)
{
	uint8_t *rsdp = phys + RSDP_PA;
	uint64_t pa = 1ul << 45;

	(void)state;
	begin_tables();
	memcpy(rsdp + 24, &pa, 8);
	set_checksum(rsdp, 36, 32);
	init();
	assert_defaults("a table at 0x200000000000 ignored");
}

/* Above the RAM, and above the direct map, there may be tables all the same. */
static void an_entry_above_the_ram_is_followed(void **state)
{
	static const uint64_t places[] = { 0xf0000000, 1ul << 39, (1ul << 40) - HEADER };

	(void)state;
	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		begin_with_entry(places[i]);
		high_table_pa = places[i];
		end_tables();
		assert_true(acpi.present);
		assert_string_equal(console, "");
	}
}

/* Where CPUID does not say it, there are 36 bits. */
static void without_the_leaf_addresses_have_36_bits(void **state)
{
	(void)state;
	begin_with_entry(1ul << 36);
	plant_nothing();
	end_tables();
	assert_true(acpi.present);
	assert_non_null(strstr(console, "a table at 0x1000000000 ignored"));
}

static void a_local_apic_beyond_the_processors_addresses_is_ignored(void **state)
{
	static const uint64_t places[] = { 1ul << 39, 1ul << 40, ~0ul << 12 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		const uint8_t head[] = { 5, 12, 0, 0 };

		begin_tables();
		add_lapic(0, ENABLED);
		put(head, sizeof(head));
		put(&places[i], 8);
		end_tables();
		assert_true(acpi.present);
		assert_true(acpi.lapic_pa == (i ? 0xfee00000 : places[0]));
		assert_true(!strstr(console, "local APIC's address") == !i);
	}
}

/* The registers are a page of their own. The head of the table has an address too. */
static void a_local_apic_nowhere_or_within_a_page_is_ignored(void **state)
{
	static const uint32_t places[] = { 0, 1, 0xfee00004, 0xfee00fff, 0xfed00000 };

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		uint64_t wide = places[i];
		const uint8_t head[] = { 5, 12, 0, 0 };

		begin_tables();
		memcpy(madt + HEADER, &places[i], 4);
		add_lapic(0, ENABLED);
		end_tables();
		assert_true(acpi.present);
		assert_true(acpi.lapic_pa == (i == 4 ? places[i] : 0xfee00000));
		assert_true(!strstr(console, "local APIC's address") == (i == 4));
		begin_tables();
		add_lapic(0, ENABLED);
		put(head, sizeof(head));
		put(&wide, 8);
		end_tables();
		assert_true(acpi.lapic_pa == (i == 4 ? places[i] : 0xfee00000));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_beyond_the_processors_addresses_is_not_followed),
		cmocka_unit_test(an_xsdt_beyond_them_is_named),
		cmocka_unit_test(an_entry_above_the_ram_is_followed),
		cmocka_unit_test(without_the_leaf_addresses_have_36_bits),
		cmocka_unit_test(a_local_apic_beyond_the_processors_addresses_is_ignored),
		cmocka_unit_test(a_local_apic_nowhere_or_within_a_page_is_ignored),
	};

	return cmocka_run_group_tests_name("acpi addresses", tests, NULL, NULL);
}
