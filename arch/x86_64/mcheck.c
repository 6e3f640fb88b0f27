/* SPDX-License-Identifier: MIT */
/* mcheck.c - the machine-check banks (SDM vol. 3B, 16.3; AMD's APM vol. 2, 9.3). */
#include "arch/x86_64/mcheck.h"
#include <stdbool.h>
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/vendor.h"
#include "arch/x86_64/x86.h"

#define CPUID_MCE_MCA	(1u << 7 | 1u << 14)	/* leaf 1, EDX */
#define CPUID_SCALABLE	0x80000007
#define SCALABLE_MCA	(1u << 3)		/* its EBX: AMD's scalable MCA */

#define MSR_MCG_CAP	0x179
#define MSR_MCG_STATUS	0x17a
#define MSR_MCG_CTL	0x17b

/* A bank's registers. Behind the 32nd bank of Intel's range the VMX capabilities begin. */
#define BANKS_MSR	0x400
#define BANKS_STRIDE	4
#define BANKS_MAX	32
#define SCALABLE_MSR	0xc0002000		/* APM vol. 2, 9.3.3.2 */
#define SCALABLE_STRIDE	16
#define SCALABLE_MAX	64
enum bank_register { BANK_CTL, BANK_STATUS, BANK_ADDR };

#define MCG_CAP_COUNT	0xff
#define MCG_CAP_CTL	(1u << 8)
#define MCG_CAP_RECOVERY (1u << 24)		/* SER_P: MC_ACTION is defined */
#define MCG_STATUS_RIPV	(1ul << 0)	/* the interrupted code can go on at the frame's RIP */
#define MCG_STATUS_EIPV	(1ul << 1)		/* the frame's RIP has to do with the error */
#define MCG_STATUS_MCIP	(1ul << 2)		/* a machine check it is, and no INT 18 */

#define MC_VALID	(1ul << 63)
#define MC_OVERFLOW	(1ul << 62)
#define MC_UNCORRECTED	(1ul << 61)
#define MC_HAS_ADDRESS	(1ul << 58)
#define MC_CONTEXT_LOST	(1ul << 57)
#define MC_ACTION	(1ul << 55)		/* who met the error needs what was lost */

#define P6_WITH_BANK_0	0x1a			/* model of family 6 */

/* How this CPU reports; CPUs of one machine may have different numbers of banks. */
struct mca {
	uint32_t banks;			/* 0: without the architecture */
	uint32_t first, stride;		/* MSR of bank 0, and from one bank to the next */
	bool has_ctl;			/* MCG_CTL */
	bool recovers;			/* an uncorrected error may be survived */
	bool own_bank_0;		/* MC0_CTL is ours to write */
};

/* MC_ACTION has another meaning on AMD, whose MCG_CAP reserves MCG_CAP_RECOVERY; some hypervisors
 * set that all the same. On older family 6 MC0_CTL is EBL_CR_POWERON, and firmware's alone (SDM
 * vol. 3B, 16.3.2.1). */
static struct mca describe(void)
{
	bool scalable = cpu_is_amd() && cpuid(CPUID_SCALABLE, 0).ebx & SCALABLE_MCA;
	bool intel = cpu_is_intel();
	struct mca m = { 0, BANKS_MSR, BANKS_STRIDE, false, false, true };
	uint32_t max = scalable ? SCALABLE_MAX : BANKS_MAX, cap;

	if ((cpuid(1, 0).edx & CPUID_MCE_MCA) != CPUID_MCE_MCA)
		return m;
	cap = rdmsr(MSR_MCG_CAP);
	m.banks = (cap & MCG_CAP_COUNT) < max ? cap & MCG_CAP_COUNT : max;
	if (scalable) {
		m.first = SCALABLE_MSR;
		m.stride = SCALABLE_STRIDE;
	}
	m.has_ctl = cap & MCG_CAP_CTL;
	m.recovers = intel && cap & MCG_CAP_RECOVERY;
	m.own_bank_0 = !intel || cpu_family() != 6 || cpu_model() >= P6_WITH_BANK_0;
	return m;
}

static uint32_t bank_msr(const struct mca *m, uint32_t bank, enum bank_register reg)
{
	return m->first + bank * m->stride + reg;
}

void mcheck_enable(void)
{
	struct mca m = describe();

	if (!m.banks)
		return;
	if (m.has_ctl)
		wrmsr(MSR_MCG_CTL, ~0ul);
	for (uint32_t i = 0; i < m.banks; i++) {
		if (i || m.own_bank_0)
			wrmsr(bank_msr(&m, i, BANK_CTL), ~0ul);
		wrmsr(bank_msr(&m, i, BANK_STATUS), 0);
	}
	wrmsr(MSR_MCG_STATUS, 0);
}

/* SDM vol. 3B, 16.6.3 and 16.9.3: PCC is fatal; so is an uncorrected error that was overwritten
 * by another, and any where the processor does not tell what is lost. */
static enum mcheck_verdict judge(const struct mca *m, uint64_t status)
{
	if (!(status & MC_VALID) || !(status & MC_UNCORRECTED))
		return MCHECK_GO_ON;
	if (!m->recovers || status & (MC_CONTEXT_LOST | MC_OVERFLOW))
		return MCHECK_FATAL;
	return status & MC_ACTION ? MCHECK_DATA_LOST : MCHECK_GO_ON;
}

/* Read one bank and clear it. Siblings share banks, and each gets the #MC: the one that met the
 * error has EIPV (SDM vol. 3B, 16.6.4). To another one it does nothing, and is not that one's to
 * clear; but where there is no other CPU, it is not known whose data is lost. */
static enum mcheck_verdict take_bank(const struct mca *m, uint32_t bank, struct mcheck_report *r)
{
	enum mcheck_verdict v;

	r->bank = bank;
	r->status = rdmsr(bank_msr(m, bank, BANK_STATUS));
	if (!(r->status & MC_VALID))
		r->status = 0;
	r->address = r->status & MC_HAS_ADDRESS ? rdmsr(bank_msr(m, bank, BANK_ADDR)) : 0;
	v = judge(m, r->status);
	if (v == MCHECK_DATA_LOST && !(r->global & MCG_STATUS_EIPV)) {
		if (cpu_count > 1)
			return MCHECK_GO_ON;
		v = MCHECK_FATAL;
	}
	wrmsr(bank_msr(m, bank, BANK_STATUS), 0);
	return v;
}

/* What MCG_STATUS says beside the banks. @found: one of them had an uncorrected error. */
static bool is_lost(uint64_t global, bool found)
{
	if (!(global & MCG_STATUS_MCIP))
		return false;
	/* No instruction to go back to; or this CPU met something, and a sibling, or firmware,
	 * has cleared its record. */
	return !(global & MCG_STATUS_RIPV) || (global & MCG_STATUS_EIPV && !found);
}

enum mcheck_verdict mcheck_take(struct mcheck_report *report)
{
	struct mca m = describe();
	enum mcheck_verdict worst = MCHECK_GO_ON;
	bool found = false;

	*report = (struct mcheck_report){ .global = m.banks ? rdmsr(MSR_MCG_STATUS) : 0 };
	for (uint32_t i = 0; i < m.banks; i++) {
		struct mcheck_report r = { .global = report->global };
		enum mcheck_verdict v = take_bank(&m, i, &r);

		found |= !!(r.status & MC_UNCORRECTED);
		if (r.status && (v > worst || !report->status)) {
			worst = v;
			*report = r;
		}
	}
	return is_lost(report->global, found) ? MCHECK_FATAL : worst;
}

void mcheck_done(void)
{
	if (describe().banks)
		wrmsr(MSR_MCG_STATUS, 0);
}
