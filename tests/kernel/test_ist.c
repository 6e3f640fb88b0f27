/* SPDX-License-Identifier: MIT */
/*
 * test_ist.c - what the bodies of NMI, #DB and #MC do with the frame that they got, called like
 * any function: no such event comes in between.
 *
 * They look below them through the frames on the IST stacks, which are made up here.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/idle.h"
#include "arch/x86_64/mcheck.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/console/printk.h"
#include "kernel/lib/probe.h"
#include "kernel/trap/fault.h"
#include "tests/kernel/ktest.h"

/* SDM vol. 3B, 16.3.1.2; vol. 2, CPUID leaf 1. */
#define MSR_MCG_STATUS	0x17a
#define RIPV		1ul		/* nothing is lost */
#define MCIP		4ul
#define CPUID_MCE_MCA	(1u << 7 | 1u << 14)

typedef bool body(struct trapframe *frame, uint64_t cr3, uint64_t gs);

static uint64_t elsewhere[64];		/* a stack that is none of theirs */

static enum trap_verdict take(struct trapframe *frame, uint64_t cr3, uint64_t gs)
{
	(void)frame, (void)cr3, (void)gs;
	return TRAP_TAKEN;
}

/* @b, with an event that is the test's. */
static bool call(body *b, struct trapframe *f)
{
	bool without_iret;

	probe.trap = take;
	without_iret = b(f, read_cr3(), (uint64_t)this_cpu()->percpu);
	probe.trap = NULL;
	return without_iret;
}

static struct trapframe frame_at(uint64_t rip)
{
	return (struct trapframe){
		.rip = rip,
		.cs = SEL_KERNEL_CODE,
		.rflags = FLAG_FIXED,
		.rsp = (uint64_t)(elsewhere + 32),
		.ss = SEL_KERNEL_DATA,
	};
}

static struct ist_stack_top *top_of(enum ist_kind kind)
{
	return (struct ist_stack_top *)cea_ist_top(this_cpu()->index, kind);
}

/* An address on the stack of @kind, where another event may have come in. */
static uint64_t on_stack_of(enum ist_kind kind)
{
	return cea_ist_top(this_cpu()->index, kind) - sizeof(struct trapframe) - 256;
}

/* Its event came in at @rsp. */
static void make_frame(enum ist_kind kind, uint64_t rsp)
{
	struct trapframe *f = (struct trapframe *)top_of(kind) - 1;

	*f = frame_at((uint64_t)idle_wait);
	f->rsp = rsp;
}

KTEST(an_event_before_the_halt_skips_it)
{
	static body *const bodies[] = { ist_nmi, ist_debug, ist_machine_check };

	for (unsigned i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct trapframe f = frame_at((uint64_t)idle_halt);

		KCHECK(!call(bodies[i], &f));
		KCHECK(f.rip == (uint64_t)idle_halted);
		f = frame_at((uint64_t)idle_wait);
		KCHECK(!call(bodies[i], &f));
		KCHECK(f.rip == (uint64_t)idle_wait);
	}
}

/* #DB in #MC in an NMI, and #MC in #DB in an NMI; nothing of the kind in one another alone. */
KTEST(an_nmi_is_seen_two_events_below)
{
	static const struct {
		body *of;
		enum ist_kind below;
	} cases[] = { { ist_debug, IST_MC }, { ist_machine_check, IST_DB } };

	for (unsigned i = 0; i < 2; i++) {
		struct trapframe f = frame_at((uint64_t)idle_wait);

		f.rsp = on_stack_of(cases[i].below);
		make_frame(cases[i].below, (uint64_t)(elsewhere + 32));
		KCHECK(!call(cases[i].of, &f));
		make_frame(cases[i].below, on_stack_of(IST_NMI));
		make_frame(IST_NMI, (uint64_t)(elsewhere + 32));
		KCHECK(call(cases[i].of, &f));
		KCHECK(((uint64_t *)f.rsp)[1] == f.rip && ((uint64_t *)f.rsp)[0] == f.rflags);
	}
	top_of(IST_NMI)->dr7 = 0;
}

KTEST(what_an_nmi_has_put_away_of_dr7_is_kept_beside_what_a_db_has)
{
	struct trapframe f = frame_at((uint64_t)idle_wait);

	f.rsp = on_stack_of(IST_NMI);
	make_frame(IST_NMI, (uint64_t)(elsewhere + 32));
	top_of(IST_NMI)->dr7 = DR7_ENABLE(0);
	top_of(IST_DB)->dr7 = DR7_ENABLE(1);
	KCHECK(call(ist_debug, &f));
	KCHECK(top_of(IST_NMI)->dr7 == (DR7_ENABLE(0) | DR7_ENABLE(1)));
	KCHECK(!top_of(IST_DB)->dr7);
	top_of(IST_NMI)->dr7 = 0;
}

/* A breakpoint on POP RDI, @tail, or on IRETQ: the frame is what that exit would have popped. */
static bool finishes(const struct ist_entry_site *s, bool tail)
{
	uint64_t page = cea_page(this_cpu()->index, CEA_IST_PAGE(s->kind));
	struct ist_exit *e = (struct ist_exit *)(page + IST_EXIT_OFFSET);
	struct trapframe f = frame_at(tail ? s->tail : s->iret);
	bool without_iret;
	uint64_t dr7;

	f.rdi = 1;
	*e = (struct ist_exit){
		.rdi = 2, .rip = 3, .cs = SEL_USER_CODE, .rflags = FLAG_FIXED | FLAG_IF,
		.rsp = (uint64_t)elsewhere, .ss = SEL_USER_DATA,
	};
	top_of(IST_DB)->dr7 = DR7_ENABLE(0) | DR7_ENABLE(1);
	write_dr6(1ul << 1);
	without_iret = call(ist_debug, &f);
	dr7 = top_of(IST_DB)->dr7;
	top_of(IST_DB)->dr7 = 0;
	return !without_iret && f.rdi == (tail ? 2 : 1) && f.rip == e->rip && f.cs == e->cs &&
	       f.rflags == e->rflags && f.rsp == e->rsp && f.ss == e->ss &&
	       dr7 == (DR7_ENABLE(0) | (s->kind == IST_DB ? 0 : DR7_ENABLE(1)));
}

KTEST(a_breakpoint_on_the_end_of_an_exit_is_that_exits_end)
{
	for (const struct ist_entry_site *s = ist_entries_start; s < ist_entries_end; s++) {
		KCHECK(finishes(s, true));
		KCHECK(finishes(s, false));
	}
}

/* Or the next one would be a shutdown. */
KTEST(a_machine_check_that_is_over_may_be_followed_by_another)
{
	struct trapframe f = frame_at((uint64_t)idle_wait);

	if ((cpuid(1, 0).edx & CPUID_MCE_MCA) != CPUID_MCE_MCA)
		return;
	wrmsr(MSR_MCG_STATUS, MCIP | RIPV);
	if (!(rdmsr(MSR_MCG_STATUS) & MCIP)) {
		printk("# MCG_STATUS does not keep what is written (Bochs 2.7)\n");
		return;
	}
	KCHECK(!call(ist_machine_check, &f));
	KCHECK(!(rdmsr(MSR_MCG_STATUS) & MCIP));
}
