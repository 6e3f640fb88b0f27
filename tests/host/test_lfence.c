/* SPDX-License-Identifier: MIT */
/* test_lfence.c - DE_CFG is set where LFENCE needs it, and only there. */
/* sources: arch/x86_64/lfence.c */
#include "tests/host/machine.h"
#include "arch/x86_64/lfence.h"

#define DE_CFG	0xc0011029
#define BIT_1	2ul

static void processor(const char *vendor, unsigned family)
{
	plant_nothing();
	plant_processor(vendor, family, 1, 0);
	plant_leaf(0x80000000, 0, (struct cpuid_regs){ .eax = 0x80000008 });
}

static void it_is_set_where_it_is_needed(void **state)
{
	static const unsigned families[] = { 0x10, 0x12, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19 };

	(void)state;
	for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		processor(families[i] == 0x18 ? "HygonGenuine" : "AuthenticAMD", families[i]);
		plant_msr(DE_CFG, 0x800);
		assert_true(lfence_make_serializing());
		assert_int_equal(planted_msr(DE_CFG)->value, 0x800 | BIT_1);
	}
}

static void what_is_set_already_is_not_written(void **state)
{
	(void)state;
	processor("AuthenticAMD", 0x17);
	plant_msr(DE_CFG, BIT_1);
	assert_true(lfence_make_serializing());
	assert_int_equal(planted_msr(DE_CFG)->writes, 0);
}

/* The MSR is not there at all: any access fails the test. */
static void who_serializes_anyway_is_left_alone(void **state)
{
	(void)state;
	processor("GenuineIntel", 6);
	assert_true(lfence_make_serializing());
	processor("AuthenticAMD", 0xf);
	assert_true(lfence_make_serializing());
	processor("AuthenticAMD", 0x11);
	assert_true(lfence_make_serializing());
	processor("AuthenticAMD", 0x19);
	plant_leaf(0x80000000, 0, (struct cpuid_regs){ .eax = 0x80000021 });
	plant_leaf(0x80000021, 0, (struct cpuid_regs){ .eax = 1u << 2 });
	assert_true(lfence_make_serializing());
}

/* What lies after the last leaf is another leaf's, and no promise. */
static void a_leaf_that_is_not_there_promises_nothing(void **state)
{
	(void)state;
	processor("AuthenticAMD", 0x17);
	plant_leaf(0x80000021, 0, (struct cpuid_regs){ .eax = 1u << 2 });
	plant_msr(DE_CFG, 0);
	assert_true(lfence_make_serializing());
	assert_int_equal(planted_msr(DE_CFG)->value, BIT_1);
}

static void a_hypervisor_may_refuse(void **state)
{
	(void)state;
	processor("AuthenticAMD", 0x17);
	assert_false(lfence_make_serializing());	/* #GP */
	plant_msr(DE_CFG, 0);
	planted_msr(DE_CFG)->fixed = true;
	assert_false(lfence_make_serializing());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_set_where_it_is_needed),
		cmocka_unit_test(what_is_set_already_is_not_written),
		cmocka_unit_test(who_serializes_anyway_is_left_alone),
		cmocka_unit_test(a_leaf_that_is_not_there_promises_nothing),
		cmocka_unit_test(a_hypervisor_may_refuse),
	};

	return cmocka_run_group_tests_name("lfence", tests, NULL, NULL);
}
