/* SPDX-License-Identifier: MIT */
/* test_tlb.c - the TLB module on the real machine: stale pages seen through user copies, words, CPU
 * sets, IPIs. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "arch/x86_64/xcall.h"
#include "entry/design.h"
#include "kernel/console/panic.h"
#include "kernel/sched/sched.h"
#include "mm/aspace.h"
#include "mm/frames.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "mm/tlb.h"
#include "mm/usercopy.h"
#include "tests/kernel/ktest.h"

#define KEEP (1ul << 63)
#define USER_ID 0x800ul

/* Where memory is short there is nothing to test. */
static struct aspace *new_space(void)
{
	struct aspace *as = aspace_create(NULL, boot_design);

	if (!as)
		panic("no memory for a test's address space");
	return as;
}

/* A new page of @as that holds @value; its address, or 0. */
static uint64_t new_page(struct aspace *as, uint64_t value)
{
	uint64_t va, *page;

	if (aspace_map_anon(as, PAGE_SIZE, PTE_W | PTE_NX, &va))
		return 0;
	page = aspace_populate(as, va);
	if (!page)
		return 0;
	*page = value;
	return va;
}

/* Does the loaded space show @value at @va? A page that is gone does not come back: this thread has
 * no process. */
static bool shows(uint64_t va, uint64_t value)
{
	uint64_t found;

	return !copy_from_user(&found, va, sizeof(found)) && found == value;
}

KTEST(an_unmapped_page_is_gone_at_once)
{
	struct aspace *as = new_space();
	uint64_t va[TLB_BATCH + 4];

	tlb_load(&as->tlb);
	for (unsigned n = 1; n <= TLB_BATCH + 4; n += TLB_BATCH / 2) {
		for (unsigned i = 0; i < n; i++) {
			va[i] = new_page(as, i + 1);
			KCHECK(shows(va[i], i + 1));
		}
		for (unsigned i = 0; i < n; i++) {
			KCHECK(!aspace_unmap(as, va[i], PAGE_SIZE, sched_point));
			KCHECK(!shows(va[i], i + 1));
		}
	}
	tlb_load(NULL);
	aspace_destroy(as, sched_point);
}

KTEST(many_pages_are_flushed_as_one)
{
	uint64_t len = (2 * TLB_BATCH + 1) * PAGE_SIZE, va, value = 7;
	struct aspace *as = new_space();

	KCHECK(!aspace_map_anon(as, len, PTE_W | PTE_NX, &va));
	tlb_load(&as->tlb);
	for (uint64_t at = va; at < va + len; at += PAGE_SIZE)
		KCHECK(aspace_populate(as, at) && !copy_to_user(at, &value, sizeof(value)));
	KCHECK(!aspace_unmap(as, va, len, sched_point));
	for (uint64_t at = va; at < va + len; at += PAGE_SIZE)
		KCHECK(!shows(at, 7));
	tlb_load(NULL);
	aspace_destroy(as, sched_point);
}

/* A CPU that left hears nothing, and finds out when it comes back. */
KTEST(a_space_that_was_left_is_flushed_on_return)
{
	struct aspace *as = new_space(), *other = new_space();
	uint64_t ipis = xcall_ipis_sent, va = new_page(as, 1), kept = new_page(as, 2);

	KCHECK(va && kept);
	tlb_load(&as->tlb);
	KCHECK(as->tlb.cpus == 1ul << this_cpu()->index);
	KCHECK(shows(va, 1) && shows(kept, 2));
	tlb_load(&other->tlb);
	KCHECK(!as->tlb.cpus && other->tlb.cpus);
	KCHECK(!shows(va, 1) && !shows(kept, 2));
	KCHECK(!aspace_unmap(as, va, PAGE_SIZE, sched_point));
	tlb_load(NULL);
	KCHECK(!other->tlb.cpus);
	tlb_load(&as->tlb);
	KCHECK(!shows(va, 1) && shows(kept, 2));
	tlb_load(NULL);
	KCHECK(xcall_ipis_sent == ipis);
	aspace_destroy(as, sched_point);
	aspace_destroy(other, sched_point);
}

/* More spaces than a CPU has ids: each load shows its own page and no other's. */
KTEST(spaces_take_turns_with_the_ids)
{
	struct aspace *as[12];
	uint64_t va = 0;

	for (unsigned i = 0; i < 12; i++) {
		as[i] = new_space();
		va = new_page(as[i], 100 + i);	/* the same address in each */
	}
	for (unsigned round = 0; round < 60; round++) {
		unsigned i = round * 5 % 12;

		tlb_load(&as[i]->tlb);
		KCHECK(shows(va, 100 + i));
	}
	tlb_load(NULL);
	for (unsigned i = 0; i < 12; i++)
		aspace_destroy(as[i], sched_point);
}

KTEST(the_door_names_the_loaded_roots)
{
	struct percpu *pc = this_cpu()->percpu;
	struct aspace *as = new_space();
	bool pcid = read_cr4() & CR4_PCIDE;

	KCHECK(pcid == tlb_pcid_in_use());
	tlb_load(&as->tlb);
	KCHECK((read_cr3() & PTE_ADDR) == as->tlb.root);
	KCHECK((pc->kernel_cr3 & PTE_ADDR) == as->tlb.root);
	KCHECK((pc->user_cr3 & PTE_ADDR) == aspace_user_cr3(as));
	KCHECK(!!(pc->kernel_cr3 & KEEP) == pcid);
	KCHECK((pc->user_cr3 & 0xfff) ==
	       (pc->kernel_cr3 & 0xfff) + (pcid && as->tlb.split ? USER_ID : 0));
	KCHECK(!pcid || pc->kernel_cr3 & 0x7ff);
	KCHECK(pcid || !(pc->user_cr3 & (KEEP | 0xfff)));
	tlb_load(NULL);
	KCHECK((read_cr3() & PTE_ADDR) == kspace_boot_root() &&
	       (pc->kernel_cr3 & PTE_ADDR) == kspace_boot_root());
	tlb_exit_work();
	tlb_exit_work();
	aspace_destroy(as, sched_point);
}

/* Two exits after a private page went: the first flushes, where that is due, the second does
 * not. */
KTEST(one_flip_out_does_the_pending_flush)
{
	struct percpu *pc = this_cpu()->percpu;
	struct aspace *as = new_space();
	bool due = tlb_pcid_in_use() && as->tlb.split;

	tlb_load(&as->tlb);			/* ids of a new space: the flip out is to flush */
	for (unsigned i = 0; i < 2; i++) {
		KCHECK(!!(pc->work & WORK_TLB) == due);
		tlb_exit_work();
		KCHECK(!due || !(pc->user_cr3 & KEEP));
		tlb_exit_work();
		KCHECK(!due || pc->user_cr3 & KEEP);
		KCHECK(!(pc->work & WORK_TLB));
		tlb_flush_private_page(&as->tlb, TRAMPOLINE_AREA_BASE);
		due = due && !(cpu_features & CPU_INVPCID);	/* which does it on the spot */
	}
	tlb_load(NULL);
	tlb_exit_work();
	tlb_exit_work();
	aspace_destroy(as, sched_point);
}

/* What a flip out loads after @s is loaded as what it is now, and does it flush the user root's
 * id? Then two exits, and away again. */
static bool flip_flushes(struct tlb_space *s, bool *failed)
{
	struct percpu *pc = this_cpu()->percpu;
	bool flushes;

	tlb_exit_work();
	tlb_load(s);
	KCHECK((pc->user_cr3 & PTE_ADDR) == s->root + (s->split ? PAGE_SIZE : 0));
	flushes = pc->work & WORK_TLB;
	KCHECK(flushes == (tlb_pcid_in_use() && !(pc->user_cr3 & KEEP)));
	tlb_exit_work();
	tlb_exit_work();
	tlb_load(NULL);
	return flushes;
}

/* Nobody uses its user root meanwhile. */
KTEST(a_space_that_was_unsplit_is_flushed_when_it_is_split_again)
{
	struct aspace *as = new_space();
	bool split = as->tlb.split, due = tlb_pcid_in_use() && split;

	KCHECK(flip_flushes(&as->tlb, failed) == due);
	KCHECK(!flip_flushes(&as->tlb, failed));
	as->tlb.split = false;
	KCHECK(!flip_flushes(&as->tlb, failed));
	as->tlb.split = split;
	KCHECK(flip_flushes(&as->tlb, failed) == due);
	KCHECK(!flip_flushes(&as->tlb, failed));
	aspace_destroy(as, sched_point);
}

/* A flush that is due, and that no flip out did before the space became unsplit. */
KTEST(a_mark_does_not_get_lost_while_a_space_is_unsplit)
{
	struct percpu *pc = this_cpu()->percpu;
	struct aspace *as = new_space();
	bool split = as->tlb.split, due = tlb_pcid_in_use() && split;

	tlb_load(&as->tlb);
	KCHECK(!!(pc->work & WORK_TLB) == due);
	tlb_load(NULL);
	as->tlb.split = false;
	tlb_load(&as->tlb);
	KCHECK(!tlb_pcid_in_use() || pc->user_cr3 & KEEP);
	tlb_exit_work();
	KCHECK(!(pc->work & WORK_TLB));
	tlb_load(NULL);
	as->tlb.split = split;
	KCHECK(flip_flushes(&as->tlb, failed) == due);
	aspace_destroy(as, sched_point);
}

/* Two frames take turns at an address where nothing else ever is. It stays mapped. */
KTEST(a_kernel_page_is_gone_at_once)
{
	uint64_t va = MMIO_AREA_BASE + 0x1000000000,
		 pa[2] = { frame_alloc_zeroed(), frame_alloc_zeroed() };
	volatile uint64_t *word = (volatile uint64_t *)va;
	struct aspace *as = new_space();
	unsigned level;

	KCHECK(!kspace_map(va, pa[0], PTE_W | PTE_NX, DESIGNS_NONE));
	for (unsigned i = 0; i < 2; i++)
		*(uint64_t *)phys_to_virt(pa[i]) = i + 1;
	tlb_load(&as->tlb);
	KCHECK(*word == 1);
	tlb_load(NULL);
	KCHECK(*word == 1);
	*pt_lookup(kspace_boot_root(), va, &level) ^= pa[0] ^ pa[1];
	tlb_flush_kernel_half();
	KCHECK(*word == 2);
	tlb_load(&as->tlb);
	KCHECK(*word == 2);
	tlb_load(NULL);
	aspace_destroy(as, sched_point);
}
