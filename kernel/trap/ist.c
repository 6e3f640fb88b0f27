/* SPDX-License-Identifier: MIT */
/*
 * ist.c - the bodies of NMI, #DB, #DF and #MC: events that come at any instruction, IF or not.
 *
 * Each has a stack of its own, so each may interrupt each of the others. Two things could go wrong:
 *  - an IRETQ unmasks NMIs (SDM vol. 3A, 6.7.1), so what interrupted an NMI handler goes back
 *    without one;
 *  - a second event of a kind would overwrite the first one's frame. NMIs are masked, a second #MC
 *    is a shutdown, and #DB is kept away by DR7: clear from the first few instructions of each of
 *    these entries to the last two. A #DB in the first ones finds its own stack free, but for #DB's
 *    entry itself. One in the last two finds what these still need in struct ist_exit, and does it
 *    in their place: finish_exit().
 * Theory: entry/README.md, section 5.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/idle.h"
#include "arch/x86_64/mcheck.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/console/panic.h"
#include "kernel/console/printk.h"
#include "kernel/lib/probe.h"
#include "kernel/object/object.h"
#include "kernel/object/process.h"
#include "kernel/trap/fault.h"
#include "mm/stacks.h"
#include "mm/usercopy.h"

static uint64_t ist_stack(uint64_t kind)
{
	return cea_page(this_cpu()->index, CEA_IST_PAGE(kind));
}

static struct ist_stack_top *ist_top(uint64_t kind)
{
	return (struct ist_stack_top *)cea_ist_top(this_cpu()->index, kind);
}

/* The frame of the event of @kind that is handled. */
static struct trapframe *ist_frame(uint64_t kind)
{
	return (struct trapframe *)ist_top(kind) - 1;
}

/* --- what was interrupted ---------------------------------------------------- */

/* The IST kind on whose stacks @f's RSP lies, 0 when on none. On the system call's path RSP is the
 * program's for a while and may be any number, these stacks' addresses too. */
static uint64_t on_ist_stack(const struct trapframe *f)
{
	const struct percpu *pc = this_cpu()->percpu;
	const struct entry_design *d = this_cpu()->design;

	if (frame_from_user(f) ||
	    (f->rip >= (uint64_t)d->syscall_entry && f->rip < (uint64_t)d->syscall_end))
		return 0;
	for (uint64_t kind = 1; kind <= IST_COUNT; kind++)
		if (f->rsp - ist_stack(kind) <= PAGE_SIZE ||
		    pc->ist_body_top[kind] - f->rsp <= KSTACK_PAGES * PAGE_SIZE)
			return kind;
	return 0;
}

/* Is an NMI being handled below @f, at whatever remove? No kind is there twice. */
static bool inside_nmi(const struct trapframe *f)
{
	for (unsigned depth = 0; depth < IST_COUNT; depth++) {
		uint64_t kind = on_ist_stack(f);

		if (!kind || kind == IST_NMI)
			return kind;
		f = ist_frame(kind);
	}
	return false;
}

/* --- the ways back ----------------------------------------------------------- */

/* Put what POPFQ and RET need where @f's RSP was: IST_ENTRY's .resume. No red zone in the
 * kernel. */
static bool return_without_iret(struct trapframe *f)
{
	uint64_t *sp = (uint64_t *)f->rsp;

	*--sp = f->rip;
	*--sp = f->rflags;
	f->rsp = (uint64_t)sp;
	return true;
}

/* The breakpoints stay off until the NMI handler that was interrupted gives DR7 back. RF, which
 * alone would let this #DB return to its breakpoint, can only be set by IRETQ. */
static void park_dr7(void)
{
	ist_top(IST_NMI)->dr7 |= ist_top(IST_DB)->dr7;
	ist_top(IST_DB)->dr7 = 0;
}

/* A #DB after an IST exit's restoring of DR7: do the rest of that exit in @f. Its own exit
 * would overwrite what the interrupted one still needs (#DB's), or unmask NMIs before it
 * (NMI's). A breakpoint on #DB's own last instructions would be hit on the way back from itself,
 * for ever: it is taken out. */
static void finish_exit(struct trapframe *f, uint64_t dr6)
{
	for (const struct ist_entry_site *s = ist_entries_start; s < ist_entries_end; s++) {
		const struct ist_exit *e =
			(const struct ist_exit *)(ist_stack(s->kind) + IST_EXIT_OFFSET);

		if (f->rip != s->tail && f->rip != s->iret)
			continue;
		f->rdi = f->rip == s->tail ? e->rdi : f->rdi;
		f->rip = e->rip;
		f->cs = e->cs;
		f->rflags = e->rflags;
		f->rsp = e->rsp;
		f->ss = e->ss;
		for (unsigned n = 0; s->kind == IST_DB && n < 4; n++)
			if (dr6 >> n & 1)
				ist_top(IST_DB)->dr7 &= ~DR7_ENABLE(n);
		return;
	}
}

/* It came between STI and HLT, and an interrupt that is pending would now be taken before the HLT:
 * do not halt. */
static void skip_halt(struct trapframe *f)
{
	if (f->rip == (uint64_t)idle_halt && !frame_from_user(f))
		f->rip = (uint64_t)idle_halted;
}

/* From @kind's body to @fn on the thread's kernel stack, for good: user mode was interrupted. */
static void __attribute__((noreturn)) leave_ist(uint64_t kind, void (*fn)(uint64_t), uint64_t arg)
{
	write_dr7(ist_top(kind)->dr7);
	ist_top(kind)->dr7 = 0;
	leave_for_kernel_stack(fn, arg);
}

/* --- the bodies -------------------------------------------------------------- */

bool ist_nmi(struct trapframe *frame, uint64_t cr3, uint64_t gs)
{
	uint64_t cr2 = read_cr2();
	enum trap_verdict verdict = TRAP_NOT_MINE;

	smap_close();
	if (panic_in_progress()) {
		panic_stop(frame, cr3);
		return false;
	}
	if (probe.trap)
		verdict = probe.trap(frame, cr3, gs);
	if (verdict == TRAP_NOT_MINE)
		printk_nmi("NMI: cpu %u at %p, %s mode, cr3 %lx", this_cpu()->index,
			   (void *)frame->rip, frame_from_user(frame) ? "user" : "kernel", cr3);
	if (read_cr2() != cr2)
		write_cr2(cr2);	/* it may have come between a #PF and its handler's look at CR2 */
	skip_halt(frame);
	return verdict == TRAP_TAKEN_HOLD_NMIS && return_without_iret(frame);
}

static void kill_debug(uint64_t rip)
{
	process_kill_current(VECTOR_DB, "%s at %p", exception_name(VECTOR_DB), (void *)rip);
}

/* Is @rip the first instruction of a way into the kernel, and the GS base found there, @gs, still
 * the program's: nothing has been done yet? */
static bool at_an_entry(uint64_t rip, uint64_t gs)
{
	uint64_t stub = rip - (uint64_t)this_cpu()->design->stubs;

	return (int64_t)gs >= 0 && (rip == (uint64_t)this_cpu()->design->syscall_entry ||
				    (stub < 256 * ENTRY_STUB_SIZE && !(stub % ENTRY_STUB_SIZE)));
}

/*
 * A #DB in kernel mode that a program brought about; true when there is nothing more to do.
 *
 * - It stepped into its SYSCALL or INT3, and the trap came after it, not after the return. FMASK,
 *   or the gate, has cleared TF by then, but Bochs has the trap pending already.  Nothing is lost
 *   by going on, for the TF that the program asked for waits in its flags and traps again when it
 *   is back.
 * - A MOV to SS read a word with a breakpoint.  That holds the #DB back until the next instruction
 *   is done (SDM vol. 3A, 6.8.3); if it is SYSCALL, INT3 or one that faults, the #DB comes in ring
 *   0, with the user's GS, table and for SYSCALL stack (CVE-2018-8897).  It is as deadly as any #DB
 *   of a program.
 * - A user copy touched a word with a breakpoint, for the program: done, go on.
 */
static bool debug_by_program(const struct trapframe *frame, uint64_t gs, uint64_t dr6)
{
	if (dr6 & DR6_BREAKPOINTS && usercopy_contains(frame->rip))
		return true;
	if (!at_an_entry(frame->rip, gs))
		return false;
	if (dr6 & DR6_BREAKPOINTS)
		leave_ist(IST_DB, kill_debug, frame->rip);
	return dr6 & DR6_SINGLE_STEP;
}

bool ist_debug(struct trapframe *frame, uint64_t cr3, uint64_t gs)
{
	uint64_t dr6 = read_dr6();
	bool watched;

	smap_close();
	watched = probe.trap && probe.trap(frame, cr3, gs);
	write_dr6(DR6_NOTHING);		/* the processor sets its bits, and never clears them */
	if (!watched && frame_from_user(frame))
		leave_ist(IST_DB, kill_debug, frame->rip);
	if (!watched && !debug_by_program(frame, gs, dr6))
		panic_frame(frame, cr3, "#DB debug exception in kernel mode, DR6 %lx", dr6);
	finish_exit(frame, dr6);
	skip_halt(frame);
	if (!inside_nmi(frame))
		return false;
	park_dr7();
	return return_without_iret(frame);
}

void ist_double_fault(struct trapframe *frame, uint64_t cr3, uint64_t gs)
{
	uint64_t cr2 = read_cr2();
	const struct thread *t = current_thread();
	const char *what;

	if (probe.trap && probe.trap(frame, cr3, gs))
		return;
	if (stack_guard_hit(cr2, &what))
		panic_frame(
			frame, cr3,
			"double fault: stack overflow, guard page of a %s at %p, thread %u of %s",
			what, (void *)cr2, t->tid, t->process ? t->process->name : "the kernel");
	panic_frame(frame, cr3, "double fault, CR2 %p", (void *)cr2);
}

static void kill_machine_check(uint64_t rip)
{
	process_kill_current(VECTOR_MC, "%s at %p: its data is lost", exception_name(VECTOR_MC),
			     (void *)rip);
}

bool ist_machine_check(struct trapframe *frame, uint64_t cr3, uint64_t gs)
{
	struct mcheck_report report;
	enum mcheck_verdict verdict = mcheck_take(&report);
	bool user = frame_from_user(frame);

	smap_close();
	if (verdict == MCHECK_FATAL || (verdict == MCHECK_DATA_LOST && !user))
		panic_frame(frame, cr3,
			    "machine check from %s mode: MCG_STATUS %lx, bank %u, status %lx, "
			    "address %lx",
			    user ? "user" : "kernel", report.global, report.bank, report.status,
			    report.address);
	if (!probe.trap || !probe.trap(frame, cr3, gs))
		printk_nmi("machine check survived: cpu %u at %p, %s mode, bank %u, status %lx, "
			   "address %lx",
			   this_cpu()->index, (void *)frame->rip, user ? "user" : "kernel",
			   report.bank, report.status, report.address);
	mcheck_done();
	if (verdict == MCHECK_DATA_LOST)
		leave_ist(IST_MC, kill_machine_check, frame->rip);
	skip_halt(frame);
	return inside_nmi(frame) && return_without_iret(frame);
}
