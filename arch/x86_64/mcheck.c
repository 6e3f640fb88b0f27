/* SPDX-License-Identifier: MIT */
/* mcheck.c - the machine-check banks (SDM vol. 3B, 16.3). */
#include "arch/x86_64/mcheck.h"
#include <stdbool.h>
#include "arch/x86_64/x86.h"

#define CPUID_MCE_MCA	(1u << 7 | 1u << 14)	/* leaf 1, EDX */

#define MSR_MCG_CAP	0x179
#define MSR_MCG_STATUS	0x17a
#define MSR_MCG_CTL	0x17b
#define MSR_MC_CTL(i)	(0x400 + 4 * (i))
#define MSR_MC_STATUS(i) (0x401 + 4 * (i))
#define MSR_MC_ADDR(i)	(0x402 + 4 * (i))

#define MCG_CAP_COUNT	0xff
#define MCG_CAP_CTL	(1u << 8)
#define MCG_STATUS_RIPV	(1ul << 0)		/* the interrupted code can go on at the frame's RIP */

#define MC_VALID	(1ul << 63)
#define MC_OVERFLOW	(1ul << 62)
#define MC_UNCORRECTED	(1ul << 61)
#define MC_HAS_ADDRESS	(1ul << 58)
#define MC_CONTEXT_LOST	(1ul << 57)
#define MC_ACTION	(1ul << 55)		/* the interrupted code needs what was lost */

static uint32_t banks(void)
{
	if ((cpuid(1, 0).edx & CPUID_MCE_MCA) != CPUID_MCE_MCA)
		return 0;
	return rdmsr(MSR_MCG_CAP) & MCG_CAP_COUNT;
}

void mcheck_enable(void)
{
	uint32_t n = banks();

	if (!n)
		return;
	if (rdmsr(MSR_MCG_CAP) & MCG_CAP_CTL)
		wrmsr(MSR_MCG_CTL, ~0ul);
	for (uint32_t i = 0; i < n; i++) {
		wrmsr(MSR_MC_CTL(i), ~0ul);
		wrmsr(MSR_MC_STATUS(i), 0);
	}
	wrmsr(MSR_MCG_STATUS, 0);
}

/* SDM vol. 3B, 16.9.3: PCC is fatal; so is an uncorrected error that was overwritten by another. */
static enum mcheck_verdict judge(uint64_t status)
{
	if (!(status & MC_VALID) || !(status & MC_UNCORRECTED))
		return MCHECK_GO_ON;
	if (status & (MC_CONTEXT_LOST | MC_OVERFLOW))
		return MCHECK_FATAL;
	return status & MC_ACTION ? MCHECK_DATA_LOST : MCHECK_GO_ON;
}

enum mcheck_verdict mcheck_take(struct mcheck_report *report)
{
	uint32_t n = banks();
	enum mcheck_verdict worst = MCHECK_GO_ON;

	*report = (struct mcheck_report){ .global = n ? rdmsr(MSR_MCG_STATUS) : 0 };
	for (uint32_t i = 0; i < n; i++) {
		uint64_t status = rdmsr(MSR_MC_STATUS(i));
		enum mcheck_verdict v = judge(status);

		if (status & MC_VALID && (v > worst || !report->status)) {
			worst = v > worst ? v : worst;
			report->bank = i;
			report->status = status;
			report->address = status & MC_HAS_ADDRESS ? rdmsr(MSR_MC_ADDR(i)) : 0;
		}
		wrmsr(MSR_MC_STATUS(i), 0);
	}
	/* Without RIPV there is no instruction to go back to. A software INT 18 sets nothing at all: it may go on. */
	if (report->status && !(report->global & MCG_STATUS_RIPV))
		worst = MCHECK_FATAL;
	return worst;
}

void mcheck_done(void)
{
	if (banks())
		wrmsr(MSR_MCG_STATUS, 0);
}
