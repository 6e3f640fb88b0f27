/* SPDX-License-Identifier: MIT */
/* acpisame.h - for the ACPI harnesses: do two readers agree? Field by field, for a struct has
 * padding. */
#ifndef TESTS_HOST_FUZZ_ACPISAME_H
#define TESTS_HOST_FUZZ_ACPISAME_H

#include "tests/host/fuzz/fuzz.h"
#include "arch/x86_64/pc/acpi.h"

static inline void must_be_same(const struct acpi_info *a, const struct acpi_info *b)
{
	MUST(a->lapic_pa == b->lapic_pa);
	MUST(a->cpu_count == b->cpu_count && a->cpus_left_out == b->cpus_left_out);
	for (unsigned i = 0; i < a->cpu_count; i++)
		MUST(a->cpu_apic_ids[i] == b->cpu_apic_ids[i]);
	MUST(a->ioapic_count == b->ioapic_count);
	for (unsigned i = 0; i < a->ioapic_count; i++)
		MUST(a->ioapics[i].pa == b->ioapics[i].pa &&
		     a->ioapics[i].gsi_base == b->ioapics[i].gsi_base);
	MUST(a->override_count == b->override_count);
	for (unsigned i = 0; i < a->override_count; i++)
		MUST(a->overrides[i].source == b->overrides[i].source &&
		     a->overrides[i].gsi == b->overrides[i].gsi &&
		     a->overrides[i].active_low == b->overrides[i].active_low &&
		     a->overrides[i].level == b->overrides[i].level);
	MUST(a->present == b->present && a->pm_timer_port == b->pm_timer_port);
}

#endif
