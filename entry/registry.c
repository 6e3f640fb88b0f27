/* SPDX-License-Identifier: MIT */
/* registry.c - the designs by number and by name, and the choice of one. */
#include "arch/x86_64/cpu.h"
#include "entry/design.h"
#include "kernel/console/panic.h"
#include "kernel/lib/string.h"

#define ENTRY_DESIGN(id, name, summary) extern const struct entry_design entry_##id;
#include "entry/registry.h"
#undef ENTRY_DESIGN

static const struct entry_design *const designs[] = {
#define ENTRY_DESIGN(id, name, summary) &entry_##id,
#include "entry/registry.h"
#undef ENTRY_DESIGN
};

_Static_assert(sizeof(designs) / sizeof(designs[0]) <= ENTRY_DESIGNS_MAX, "an IDT page each");

const struct entry_design *boot_design;

const struct entry_design *entry_design_at(unsigned i)
{
	return designs[i];
}

unsigned entry_design_count(void)
{
	return sizeof(designs) / sizeof(designs[0]);
}

const struct entry_design *entry_design_find(const char *name)
{
	for (unsigned i = 0; i < entry_design_count(); i++)
		if (!strcmp(designs[i]->name, name))
			return designs[i];
	return NULL;
}

static bool inside(uint64_t va, const char *start, const char *end)
{
	return va >= (uint64_t)start && va < (uint64_t)end;
}

bool entry_text_holds(const struct entry_design *d, uint64_t va)
{
	return inside(va, d->text_start, d->text_end) ||
	       inside(va, d->shared_text_start, d->shared_text_end);
}

bool entry_shows(const struct entry_design *d, uint64_t va)
{
	return entry_text_holds(d, va) || inside(va, d->rodata_start, d->rodata_end) ||
	       inside(va, d->shared_rodata_start, d->shared_rodata_end);
}

uint32_t entry_shown_by(uint64_t va)
{
	uint32_t set = 0;

	for (unsigned i = 0; i < entry_design_count(); i++)
		set |= (uint32_t)entry_shows(designs[i], va) << i;
	return set;
}

bool entry_text_of_any(uint64_t va)
{
	for (unsigned i = 0; i < entry_design_count(); i++)
		if (entry_text_holds(designs[i], va))
			return true;
	return false;
}

const char *entry_refusal(const struct entry_design *d)
{
	if (d != boot_design && !entry_mixed())
		return "the whole kernel is Global in this boot";
	if (d->needs & ~cpu_features)
		return "this CPU lacks what it needs";
	return NULL;
}

void entry_choose(const struct entry_design *d)
{
	uint32_t missing = d->needs & ~cpu_features;
	char names[128];

	if (missing)
		panic("entry=%s needs what this CPU lacks: %s", d->name,
		      cpu_feature_names(missing, names, sizeof(names)));
	boot_design = d;
}
