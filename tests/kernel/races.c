/* SPDX-License-Identifier: MIT */
/* races.c - what tests/programs/races asks for: parts, flags, when the NMI shall come, how they all
 * stand. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "kernel/abi.h"
#include "kernel/lib/probe.h"
#include "kernel/object/process.h"
#include "kernel/trap/fault.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "tests/kernel/races_internal.h"

static int64_t poll(void)
{
	int64_t all = (race_parts[RACE_A].class ? RACE_LANDED : 0) | (race_holds ? RACE_HOLDS : 0);

	for (unsigned n = 0; n < RACE_PARTS; n++) {
		const struct part *p = &race_parts[n];

		if (p->thread)
			all |= (int64_t)(RACE_READY | (race_cpu_quiet(p->cpu) ? RACE_ASLEEP : 0) |
					 (p->done ? RACE_CAME_BACK : 0)) << n * RACE_SHIFT;
	}
	return all;
}

static int64_t begin(void)
{
	if (probe.trap)
		return -EBUSY;
	race_watch(true);
	return 0;
}

static int64_t new_run(void)
{
	for (unsigned n = 0; n < RACE_PARTS; n++)
		race_parts[n] = (struct part){ .result = RACE_NO_RESULT };
	for (unsigned n = 0; n <= RACE_OVER; n++)
		race_flags[n] = false;
	probe.quiet = true;
	return 0;
}

static int64_t take_part(uint64_t arg)
{
	uint64_t part = arg & 7, va = arg & ~7ul, *leaf;
	struct thread *t = current_thread();
	unsigned level;

	leaf = va < USER_END ? pt_lookup(t->process->as->tlb.root, va, &level) : NULL;
	if (part >= RACE_PARTS || !leaf || level != 1)
		return -EINVAL;
	race_parts[part].phase =
		(uint64_t *)((char *)phys_to_virt(*leaf & PTE_ADDR) + va % PAGE_SIZE);
	race_parts[part].cpu = this_cpu()->index;
	race_parts[part].thread = t;
	return 0;
}

/* The caller's. */
static struct part *own_part(void)
{
	for (unsigned n = 0; n < RACE_PARTS; n++)
		if (race_parts[n].thread == current_thread())
			return &race_parts[n];
	return NULL;
}

static int64_t arm(struct part *p, uint64_t ticks)
{
	if (!p)
		return -EINVAL;
	p->armed = ticks;
	if (ticks)
		lapic_timer_nmi(ticks);
	else
		lapic_timer_periodic(0);
	return 0;
}

static int64_t done(struct part *p, uint64_t result)
{
	if (!p)
		return -EINVAL;
	p->result = (int64_t)result;
	p->done = true;
	return 0;
}

static int64_t look(uint64_t arg)
{
	const struct part *p = &race_parts[arg >> 8 & 3];
	const uint64_t values[] = {
		p->class, p->rip, p->left, p->how, p->locks, (uint64_t)p->result,
		p->pauses
	};

	if (arg >> 8 >= RACE_PARTS || (arg & 0xff) >= sizeof(values) / sizeof(values[0]))
		return -EINVAL;
	return (int64_t)values[arg & 0xff];
}

static int64_t interrupt(uint64_t vector)
{
	if (vector != VECTOR_TIMER && vector != VECTOR_LATER && vector != VECTOR_RESCHEDULE)
		return -EINVAL;
	lapic_send_ipi(this_cpu()->apic_id, vector);
	return 0;
}

int64_t races_control(uint64_t op, uint64_t arg)
{
	switch (op) {
	case RACE_BEGIN:
		return begin();
	case RACE_END:
		probe.quiet = false;
		race_watch(false);
		return 0;
	case RACE_NEW:
		return new_run();
	case RACE_PART:
		return take_part(arg);
	case RACE_SET:
	case RACE_IS:
		if (arg > RACE_OVER)
			return -EINVAL;
		race_flags[arg] |= op == RACE_SET;
		probe.quiet &= !race_flags[RACE_OVER];
		return race_flags[arg];
	case RACE_ARM:
		return arm(own_part(), arg);
	case RACE_DONE:
		return done(own_part(), arg);
	case RACE_POLL:
		return poll();
	case RACE_LOOK:
		return look(arg);
	case RACE_QUIET:
		return arg < cpu_count && race_cpu_quiet(arg);
	case RACE_SAY:
		return race_print_symbol(arg);
	case RACE_WAITS:
		return race_print_waits();
	case RACE_INTERRUPT:
		return interrupt(arg);
	}
	return -EINVAL;
}
