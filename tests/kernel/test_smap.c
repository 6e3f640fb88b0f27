/* SPDX-License-Identifier: MIT */
/*
 * test_smap.c - the kernel closes SMAP wherever AC may come with what was interrupted, and a copy
 * that is not the program's is refused before anything is touched.
 *
 * AC set in kernel mode stands for a program's: no gate clears it.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "entry/dispatch.h"
#include "kernel/abi.h"
#include "kernel/lib/probe.h"
#include "kernel/trap/fault.h"
#include "mm/layout.h"
#include "mm/pagetable.h"
#include "mm/usercopy.h"
#include "tests/kernel/ktest.h"

#define NOT_MAPPED	0x0000123456789000ul	/* of the user half; no program runs here */

static volatile unsigned calls;
static volatile uint64_t vector_seen, flags_seen;

static void note(uint64_t vector)
{
	vector_seen = vector;
	flags_seen = read_rflags();
	calls++;
}

static void on_interrupt(struct trapframe *frame)
{
	note(frame->vector);
	lapic_eoi();
}

static enum trap_verdict take(struct trapframe *frame, uint64_t cr3, uint64_t gs)
{
	(void)cr3, (void)gs;
	note(frame->vector);
	return frame->vector == VECTOR_PF || frame->vector == VECTOR_UD ? TRAP_NOT_MINE :
									  TRAP_TAKEN;
}

/* Seen, and judged by the kernel as ever. */
static enum trap_verdict look_on(struct trapframe *frame, uint64_t cr3, uint64_t gs)
{
	(void)cr3, (void)gs;
	note(frame->vector);
	return TRAP_NOT_MINE;
}

/* The event came, once, to its own handler, which ran with AC clear. */
static bool closed(uint64_t vector)
{
	bool good = calls == 1 && vector_seen == vector && !(flags_seen & FLAG_AC);

	if (!good)
		printk("# vector %lu: %u calls, the last of %lu with flags %lx\n", vector, calls,
		       vector_seen, flags_seen);
	return good;
}

KTEST(an_interrupts_handler_runs_with_smap_closed)
{
	trap_handler *old;

	if (!(cpu_features & CPU_SMAP))
		return;
	old = irq_set_handler(VECTOR_SELF_TEST, on_interrupt);
	calls = 0;
	lapic_send_ipi(cpus[0].apic_id, VECTOR_SELF_TEST);
	while (!calls)
		__asm__ volatile("stac; sti; nop; cli; clac; pause" : : : "memory");
	KCHECK(closed(VECTOR_SELF_TEST));
	irq_set_handler(VECTOR_SELF_TEST, old);
}

/* INT 18 is no machine check, as MCG_STATUS says; its way in and its body are the same. */
KTEST(events_on_stacks_of_their_own_run_with_smap_closed)
{
	if (!(cpu_features & CPU_SMAP))
		return;
	probe.trap = take;
	calls = 0;
	__asm__ volatile("stac; int $2; clac" : : : "memory");
	KCHECK(closed(VECTOR_NMI));
	calls = 0;
	__asm__ volatile("stac; int $1; clac" : : : "memory");
	KCHECK(closed(VECTOR_DB));
	calls = 0;
	__asm__ volatile("stac; int $18; clac" : : : "memory");
	KCHECK(closed(VECTOR_MC));
	probe.trap = NULL;
}

KTEST(a_copy_that_fails_leaves_smap_closed_and_so_does_its_fault)
{
	uint64_t word = 1;

	if (!(cpu_features & CPU_SMAP))
		return;
	probe.trap = look_on;
	calls = 0;
	KCHECK(copy_from_user(&word, NOT_MAPPED, sizeof(word)) == -EFAULT);
	KCHECK(!(read_rflags() & FLAG_AC));
	KCHECK(closed(VECTOR_PF));
	calls = 0;
	KCHECK(copy_to_user(NOT_MAPPED, &word, sizeof(word)) == -EFAULT);
	KCHECK(!(read_rflags() & FLAG_AC));
	KCHECK(closed(VECTOR_PF));
	probe.trap = NULL;
}

struct range {
	uint64_t va;
	size_t n;
};

/* No page there is mapped, so an access would end as EFAULT too: hence the count. */
KTEST(a_copy_beyond_the_user_half_is_refused_without_an_access)
{
	static const struct range bad[] = {
		{ USER_END, 1 }, { USER_END - 1, 2 }, { USER_END - 7, 8 }, { 0, USER_END + 1 },
		{ UINT64_MAX, 1 }, { UINT64_MAX, 2 }, { UINT64_MAX - 7, 8 }, { UINT64_MAX - 7, 9 },
		{ 8, UINT64_MAX }, { 8, UINT64_MAX - 7 }, { DIRECT_MAP_BASE, 8 }, { 1ul << 63, 8 },
	};
	uint64_t word = 1;

	probe.trap = look_on;
	calls = 0;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		KCHECK(copy_from_user(&word, bad[i].va, bad[i].n) == -EFAULT);
		KCHECK(copy_to_user(bad[i].va, &word, bad[i].n) == -EFAULT);
		KCHECK(!calls);
	}
	/* the last one that is tried */
	KCHECK(copy_from_user(&word, USER_END - 8, 8) == -EFAULT);
	KCHECK(calls == 1 && word == 1);
	probe.trap = NULL;
}
