/* SPDX-License-Identifier: MIT */
/* test_mcheck.c - machine checks on processors of every kind: what is written at the start, and
 * what may go on. */
/* sources: arch/x86_64/mcheck.c */
#include "tests/host/machine.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/mcheck.h"

#define INTEL	"GenuineIntel"
#define AMD	"AuthenticAMD"
#define HYGON	"HygonGenuine"

#define MCE_MCA	(1u << 7 | 1u << 14)
#define MCG_CAP	0x179
#define MCG_STATUS 0x17a
#define MCG_CTL	0x17b
#define HAS_CTL	(1u << 8)
#define SER_P	(1u << 24)

#define RIPV	1ul
#define EIPV	2ul
#define MCIP	4ul

#define VAL	(1ul << 63)
#define OVER	(1ul << 62)
#define UC	(1ul << 61)
#define EN	(1ul << 60)
#define ADDRV	(1ul << 58)
#define PCC	(1ul << 57)
#define S	(1ul << 56)
#define AR	(1ul << 55)

uint32_t cpu_count;
static uint32_t first, stride;

static uint32_t ctl(unsigned bank) { return first + bank * stride; }
static uint32_t status_of(unsigned bank) { return first + bank * stride + 1; }
static uint32_t addr(unsigned bank) { return first + bank * stride + 2; }

/* A processor with @banks banks, of which MSRs exist for the first @there. */
static void machine(const char *vendor, unsigned family, unsigned model, uint32_t cap,
		    unsigned banks, unsigned there)
{
	plant_nothing();
	cpu_count = 4;
	plant_processor(vendor, family, model, MCE_MCA);
	plant_msr(MCG_CAP, cap | banks);
	plant_msr(MCG_STATUS, 0);
	if (cap & HAS_CTL)
		plant_msr(MCG_CTL, 0);
	first = 0x400;
	stride = 4;
	for (unsigned i = 0; i < there; i++) {
		plant_msr(ctl(i), 0);
		plant_msr(status_of(i), VAL | UC);
		plant_msr(addr(i), 0x1000 * i);
	}
}

/* @vendor's, with ten banks; what one of them says when @global is in MCG_STATUS. */
static enum mcheck_verdict take(const char *vendor, uint32_t cap, uint64_t global, uint64_t status,
				struct mcheck_report *report)
{
	machine(vendor, vendor[0] == 'G' ? 6 : 0x17, 0x55, cap, 10, 10);
	mcheck_enable();
	plant_msr(MCG_STATUS, global);
	if (status)
		plant_msr(status_of(7), status);
	return mcheck_take(report);
}

/* What becomes of it. */
static void expect(const char *vendor, uint32_t cap, uint64_t global, uint64_t status,
		   enum mcheck_verdict verdict)
{
	struct mcheck_report report;

	assert_int_equal(take(vendor, cap, global, status, &report), verdict);
}

/* --- what is written at the start ------------------------------------------------ */

static void all_banks_report(void **state)
{
	(void)state;
	machine(INTEL, 6, 0x55, HAS_CTL, 20, 20);
	mcheck_enable();
	assert_int_equal(planted_msr(MCG_CTL)->value, ~0ul);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(planted_msr(ctl(i))->value, ~0ul);
		assert_int_equal(planted_msr(status_of(i))->value, 0);
	}
}

static void without_the_architecture_no_msr_is_touched(void **state)
{
	struct mcheck_report report;

	(void)state;
	plant_nothing();
	plant_processor(INTEL, 5, 1, 1u << 7);
	mcheck_enable();
	assert_int_equal(mcheck_take(&report), MCHECK_GO_ON);
	mcheck_done();
}

/* SDM vol. 3B, 16.3.2.1: MC0_CTL of older family 6 is EBL_CR_POWERON. */
static void bank_0_of_old_family_6_is_the_firmwares(void **state)
{
	static const struct {
		const char *vendor;
		unsigned family, model;
		bool written;
	} cpus[] = {
		{ INTEL, 6, 1, false }, { INTEL, 6, 0xf, false }, { INTEL, 6, 0x19, false },
		{ INTEL, 6, 0x1a, true }, { INTEL, 6, 0x9e, true }, { INTEL, 15, 2, true },
		{ AMD, 6, 8, true }, { AMD, 0x17, 1, true },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
		machine(cpus[i].vendor, cpus[i].family, cpus[i].model, 0, 5, 5);
		mcheck_enable();
		assert_int_equal(planted_msr(ctl(0))->writes, cpus[i].written);
		assert_int_equal(planted_msr(ctl(1))->writes, 1);
		assert_int_equal(planted_msr(status_of(0))->value, 0);
	}
}

/* After 32 banks of the old range the VMX capabilities lie: 0x480. Any access is a #GP, or
 * worse. */
static void banks_beyond_the_range_are_left_alone(void **state)
{
	struct mcheck_report report;

	(void)state;
	machine(INTEL, 6, 0x55, SER_P, 40, 32);
	plant_msr(0x480, 0x1234);
	mcheck_enable();
	plant_msr(MCG_STATUS, MCIP | RIPV);
	mcheck_take(&report);
	assert_int_equal(planted_msr(0x480)->writes, 0);
	assert_int_equal(planted_msr(ctl(31))->writes, 1);
}

/* AMD's scalable MCA has a range of its own, with room for all banks. */
static void scalable_banks_have_their_own_range(void **state)
{
	struct mcheck_report report;

	(void)state;
	machine(AMD, 0x19, 1, HAS_CTL, 40, 0);
	plant_leaf(0x80000000, 0, (struct cpuid_regs){ .eax = 0x80000021 });
	plant_leaf(0x80000007, 0, (struct cpuid_regs){ .ebx = 1u << 3 });
	first = 0xc0002000;
	stride = 16;
	for (unsigned i = 0; i < 40; i++) {
		plant_msr(ctl(i), 0);
		plant_msr(status_of(i), 0);
		plant_msr(addr(i), 0x1000 * i);
	}
	mcheck_enable();
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(planted_msr(ctl(i))->value, ~0ul);
	plant_msr(MCG_STATUS, MCIP | RIPV);
	plant_msr(status_of(39), VAL | UC | PCC | ADDRV);
	assert_int_equal(mcheck_take(&report), MCHECK_FATAL);
	assert_int_equal(report.bank, 39);
	assert_int_equal(report.address, 39 * 0x1000);
	assert_int_equal(planted_msr(status_of(39))->value, 0);
}

/* --- verdicts ----------------------------------------------------------------------- */

static void a_recoverable_error_is_survived(void **state)
{
	(void)state;
	expect(INTEL, SER_P, MCIP | RIPV, VAL | UC | EN | S, MCHECK_GO_ON);
	expect(INTEL, SER_P, MCIP | RIPV, VAL | UC | EN, MCHECK_GO_ON);
	expect(INTEL, SER_P, MCIP | RIPV | EIPV, VAL | UC | EN | S | AR, MCHECK_DATA_LOST);
	expect(INTEL, SER_P, MCIP | RIPV | EIPV, VAL | UC | EN | S | AR | PCC, MCHECK_FATAL);
	expect(INTEL, SER_P, MCIP | RIPV | EIPV, VAL | UC | EN | S | AR | OVER, MCHECK_FATAL);
}

/* Without SER_P there is no S and no AR: what is lost is not told. */
static void without_recovery_an_uncorrected_error_is_fatal(void **state)
{
	(void)state;
	expect(INTEL, 0, MCIP | RIPV, VAL | UC | EN | S, MCHECK_FATAL);
	expect(INTEL, 0, MCIP | RIPV | EIPV, VAL | UC | EN | S | AR, MCHECK_FATAL);
	expect(INTEL, 0, MCIP | RIPV, VAL | EN, MCHECK_GO_ON);
}

/* There bit 24 of MCG_CAP is reserved, and bits 55 and 56 mean other things (APM vol. 2,
 * 9.3.2.5). */
static void on_amd_an_uncorrected_error_is_fatal(void **state)
{
	static const char *const vendors[] = { AMD, HYGON, "CentaurHauls" };

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		const char *vendor = vendors[i / 2];
		uint32_t cap = i % 2 ? SER_P : 0;

		expect(vendor, cap, MCIP | RIPV, VAL | UC | EN | S, MCHECK_FATAL);
		expect(vendor, cap, MCIP | RIPV, VAL | UC | EN, MCHECK_FATAL);
		expect(vendor, cap, MCIP | RIPV, VAL | EN, MCHECK_GO_ON);
	}
}

static void without_ripv_nothing_goes_on(void **state)
{
	(void)state;
	expect(INTEL, SER_P, MCIP, VAL | UC | EN | S, MCHECK_FATAL);
	expect(INTEL, SER_P, MCIP | EIPV, VAL | UC | EN | S | AR, MCHECK_FATAL);
	expect(INTEL, SER_P, MCIP, 0, MCHECK_FATAL);
	expect(INTEL, SER_P, 0, 0, MCHECK_GO_ON);	/* INT 18 */
	expect(INTEL, SER_P, 0, VAL, MCHECK_GO_ON);
}

/* --- siblings ------------------------------------------------------------------------- */

/* A CPU that did not meet the error leaves the record to the one that did. */
static void a_siblings_record_is_left_to_it(void **state)
{
	const uint64_t lost = VAL | UC | EN | S | AR | ADDRV;
	struct mcheck_report report;

	(void)state;
	assert_int_equal(take(INTEL, SER_P, MCIP | RIPV, lost, &report), MCHECK_GO_ON);
	assert_int_equal(planted_msr(status_of(7))->value, lost);
	assert_int_equal(report.status, lost);
	plant_msr(MCG_STATUS, MCIP | RIPV | EIPV);	/* the same bank, as the sibling sees it */
	assert_int_equal(mcheck_take(&report), MCHECK_DATA_LOST);
	assert_int_equal(planted_msr(status_of(7))->value, 0);
	assert_int_equal(report.address, 7 * 0x1000);
}

static void a_record_that_is_nobodys_is_fatal(void **state)
{
	struct mcheck_report report;

	(void)state;
	take(INTEL, SER_P, MCIP | RIPV, VAL | UC | EN | S | AR, &report);
	cpu_count = 1;
	assert_int_equal(mcheck_take(&report), MCHECK_FATAL);
}

/* A sibling, or firmware, was faster: what this CPU met is not known any more. */
static void a_record_that_is_gone_is_fatal(void **state)
{
	(void)state;
	expect(INTEL, SER_P, MCIP | RIPV | EIPV, 0, MCHECK_FATAL);
	expect(INTEL, SER_P, MCIP | RIPV | EIPV, VAL | EN, MCHECK_FATAL);
	expect(INTEL, SER_P, MCIP | RIPV, 0, MCHECK_GO_ON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_banks_report),
		cmocka_unit_test(without_the_architecture_no_msr_is_touched),
		cmocka_unit_test(bank_0_of_old_family_6_is_the_firmwares),
		cmocka_unit_test(banks_beyond_the_range_are_left_alone),
		cmocka_unit_test(scalable_banks_have_their_own_range),
		cmocka_unit_test(a_recoverable_error_is_survived),
		cmocka_unit_test(without_recovery_an_uncorrected_error_is_fatal),
		cmocka_unit_test(on_amd_an_uncorrected_error_is_fatal),
		cmocka_unit_test(without_ripv_nothing_goes_on),
		cmocka_unit_test(a_siblings_record_is_left_to_it),
		cmocka_unit_test(a_record_that_is_nobodys_is_fatal),
		cmocka_unit_test(a_record_that_is_gone_is_fatal),
	};

	return cmocka_run_group_tests_name("mcheck", tests, NULL, NULL);
}
