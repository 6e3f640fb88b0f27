/* SPDX-License-Identifier: MIT */
/* machine.h - a processor for host tests: it has the MSRs and CPUID leaves that the test plants,
 * and no others. */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/x86.h"

#define PLANTED_MAX 512

static struct planted_msr {
	uint32_t msr;
	uint64_t value;
	unsigned writes;
	bool fixed;			/* writes change nothing, as under some hypervisors */
} planted_msrs[PLANTED_MAX];
static struct planted_leaf {
	uint32_t leaf, subleaf;
	struct cpuid_regs regs;
} planted_leaves[PLANTED_MAX];
static unsigned planted_msr_count, planted_leaf_count;

static inline void plant_nothing(void)
{
	planted_msr_count = planted_leaf_count = 0;
}

/* NULL where this processor has no such MSR. */
static inline struct planted_msr *planted_msr(uint32_t msr)
{
	for (unsigned i = 0; i < planted_msr_count; i++)
		if (planted_msrs[i].msr == msr)
			return &planted_msrs[i];
	return NULL;
}

static inline void plant_msr(uint32_t msr, uint64_t value)
{
	struct planted_msr *m = planted_msr(msr);

	if (!m) {
		assert_true(planted_msr_count < PLANTED_MAX);
		m = &planted_msrs[planted_msr_count++];
	}
	*m = (struct planted_msr){ msr, value, 0, false };
}

static inline void plant_leaf(uint32_t leaf, uint32_t subleaf, struct cpuid_regs regs)
{
	assert_true(planted_leaf_count < PLANTED_MAX);
	planted_leaves[planted_leaf_count++] = (struct planted_leaf){ leaf, subleaf, regs };
}

/* Leaf 0 and leaf 1's family and model, and leaf 1's EDX. */
static inline void plant_processor(const char *vendor, unsigned family, unsigned model,
				   uint32_t edx)
{
	struct cpuid_regs r = { .eax = 0x20 };
	unsigned base = family > 15 ? 15 : family;

	memcpy(&r.ebx, vendor, 4);
	memcpy(&r.edx, vendor + 4, 4);
	memcpy(&r.ecx, vendor + 8, 4);
	plant_leaf(0, 0, r);
	r = (struct cpuid_regs){
		.eax = (family - base) << 20 | (model >> 4) << 16 | base << 8 | (model & 15) << 4,
		.edx = edx,
	};
	plant_leaf(1, 0, r);
}

/* The one planted last; zeros where there is none. */
struct cpuid_regs cpuid_raw(uint32_t leaf, uint32_t subleaf)
{
	for (unsigned i = planted_leaf_count; i-- > 0;)
		if (planted_leaves[i].leaf == leaf && planted_leaves[i].subleaf == subleaf)
			return planted_leaves[i].regs;
	return (struct cpuid_regs){ 0 };
}

uint64_t rdmsr(uint32_t msr)
{
	struct planted_msr *m = planted_msr(msr);

	if (!m)
		fail_msg("MSR %x was read, which is not there: #GP", msr);
	return m->value;
}

bool rdmsr_safe(uint32_t msr, uint64_t *v)
{
	struct planted_msr *m = planted_msr(msr);

	if (m)
		*v = m->value;
	return m;
}

bool wrmsr_safe(uint32_t msr, uint64_t v)
{
	struct planted_msr *m = planted_msr(msr);

	if (!m)
		return false;
	m->value = m->fixed ? m->value : v;
	m->writes++;
	return true;
}

void wrmsr(uint32_t msr, uint64_t v)
{
	if (!wrmsr_safe(msr, v))
		fail_msg("MSR %x was written, which is not there: #GP", msr);
}

#endif
