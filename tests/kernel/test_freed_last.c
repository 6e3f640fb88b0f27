/* SPDX-License-Identifier: MIT */
/*
 * test_freed_last.c - pages, their tables and stacks are freed when every CPU has acknowledged, and
 * not before; and a flush that is due survives what happens on the way out.
 *
 * CPU 1 uses what is taken away and answers nothing for a while. As long as it does not, no frame
 * may be free that it could still reach. TCG forgives a flush that is missing (each write of CR3
 * empties its TLB), so the requests are what is looked at.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "arch/x86_64/xcall.h"
#include "entry/design.h"
#include "kernel/console/panic.h"
#include "kernel/object/process.h"
#include "kernel/sched/sched.h"
#include "kernel/trap/leave.h"
#include "mm/aspace.h"
#include "mm/frames.h"
#include "mm/kspace.h"
#include "mm/layout.h"
#include "mm/pagetable.h"
#include "mm/slots.h"
#include "mm/stacks.h"
#include "mm/tlb.h"
#include "tests/kernel/ktest.h"
#include "tests/kernel/sched_test.h"

#define LOOKS	2000u
#define NO_WORD	0x5a5a5a5a5a5a5000ul

static struct watch {
	struct aspace *as;		/* that CPU 1 has loaded, or NULL */
	const uint64_t *generation;	/* changes when the flush is asked for; or NULL: */
	uint64_t va, before;		/* a page of the kernel half that goes */
	uint64_t frames, least;
	uint32_t ready, over, left;
} watch;

static bool is_set(const uint32_t *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static bool has_begun(void)
{
	unsigned level;
	const uint64_t *pte;

	if (watch.generation)
		return __atomic_load_n(watch.generation, __ATOMIC_ACQUIRE) != watch.before;
	pte = pt_lookup(kspace_boot_root(), watch.va, &level);
	return !pte || !(__atomic_load_n(pte, __ATOMIC_ACQUIRE) & PTE_P);
}

/* On CPU 1, IRQs off. The mailbox is served when enough has been seen. */
static void hear_nothing(void *unused)
{
	(void)unused;
	tlb_load(watch.as ? &watch.as->tlb : NULL);
	__atomic_store_n(&watch.ready, 1, __ATOMIC_RELEASE);
	while (!has_begun() && !is_set(&watch.over))
		cpu_pause();
	for (unsigned i = 0; i < LOOKS; i++) {
		uint64_t now = frames_used();

		watch.least = now < watch.least ? now : watch.least;
		cpu_pause();
	}
	while (!is_set(&watch.over)) {
		xcall_serve();
		cpu_pause();
	}
	tlb_load(NULL);
	__atomic_store_n(&watch.left, 1, __ATOMIC_RELEASE);
}

static void wait_until(const uint32_t *flag)
{
	while (!is_set(flag)) {
		xcall_serve();
		cpu_pause();
	}
}

/* CPU 1 is watching when this returns. */
static void begin(struct aspace *as, const uint64_t *generation, uint64_t va)
{
	struct thread *t = sched_test_thread(hear_nothing, NULL, 1);

	sched_set_affinity(t, 1ul << 1);
	watch = (struct watch){
		.as = as,
		.generation = generation,
		.va = va,
		.before = generation ? *generation : 0,
	};
	watch.frames = watch.least = frames_used();
	sched_make_ready(t);
	wait_until(&watch.ready);
}

static void end(void)
{
	__atomic_store_n(&watch.over, 1, __ATOMIC_RELEASE);
	wait_until(&watch.left);
}

static struct aspace *new_space(void)
{
	struct aspace *as = aspace_create(NULL, boot_design);

	if (!as)
		panic("no memory for a test's address space");
	return as;
}

KTEST(a_ranges_pages_and_tables_are_freed_after_the_last_acknowledgement)
{
	struct aspace *as;
	uint64_t va;

	if (cpu_count < 2)
		return;
	as = new_space();
	KCHECK(!aspace_map_anon(as, PAGE_SIZE, PTE_W | PTE_NX, &va));
	KCHECK(aspace_populate(as, va));
	begin(as, &as->tlb.generation, 0);
	KCHECK(!aspace_unmap(as, va, PAGE_SIZE, sched_point));
	KCHECK(frames_used() < watch.frames);
	end();
	KCHECK(watch.least >= watch.frames);
	KCHECK(as->tlb.generation != watch.before);
	aspace_destroy(as, sched_point);
}

KTEST(a_trampolines_tables_are_freed_after_the_last_acknowledgement)
{
	uint64_t va = TRAMPOLINE_AREA_BASE + PAGE_SIZE, pa = frame_alloc_zeroed();
	struct aspace *as;

	if (cpu_count >= 2 && boot_design->split) {
		as = new_space();
		KCHECK(!aspace_map_private(as, va, pa, PTE_W | PTE_NX));
		begin(as, &as->tlb.user_generation, 0);
		aspace_unmap_private(as, va);
		KCHECK(frames_used() < watch.frames);
		end();
		KCHECK(watch.least >= watch.frames);
		KCHECK(as->tlb.user_generation != watch.before);
		aspace_destroy(as, sched_point);
	}
	frame_free(pa);
}

KTEST(stacks_are_freed_after_the_last_acknowledgement)
{
	uint64_t top;

	if (cpu_count < 2)
		return;
	while (slots_shrink())
		;
	top = kstack_alloc();
	KCHECK(top);
	begin(NULL, NULL, top - PAGE_SIZE);
	kstack_free(top);
	KCHECK(slots_shrink());
	end();
	KCHECK(watch.least >= watch.frames);
}

/* --- a flush of the user half that is due ------------------------------------------- */

static void nothing(void *unused)
{
	(void)unused;
}

KTEST(a_switch_keeps_a_flush_that_is_due)
{
	struct percpu *pc = this_cpu()->percpu;

	sched_make_ready(sched_test_thread_here(nothing, NULL));
	pc->work |= WORK_TLB;
	sched_yield();
	KCHECK(pc->work & WORK_TLB);
	pc->work &= ~WORK_TLB;
}

/* tlb_exit_work() is due after all the other work: it writes the word for the flip out. */
KTEST(the_way_out_does_a_flush_that_is_due_whatever_else_is)
{
	static struct process nobodys;
	struct percpu *pc = this_cpu()->percpu;
	struct thread *t = current_thread();
	uint64_t word = pc->user_cr3;

	t->process = &nobodys;
	pc->user_cr3 = NO_WORD;
	pc->work |= WORK_TLB | WORK_RESCHED;
	exit_work();
	t->process = NULL;
	KCHECK(pc->user_cr3 != NO_WORD);
	KCHECK(!pc->work);
	pc->user_cr3 = word;
	pc->work = 0;
}
