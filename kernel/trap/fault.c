/* SPDX-License-Identifier: MIT */
/*
 * fault.c - exceptions, decided: resolve, kill the program, or panic.
 *
 * A program's fault is its own affair: one line, its process ends, the kernel
 * goes on.  A fault of the kernel is a broken invariant and ends the machine,
 * but for two: a user copy that hit a bad page, and an IRETQ that the user's state made fault.
 */
#include "kernel/trap/fault.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/console/panic.h"
#include "kernel/lib/probe.h"
#include "kernel/object/process.h"
#include "kernel/object/reap.h"
#include "kernel/sched/sched.h"
#include "mm/aspace.h"
#include "mm/stacks.h"
#include "mm/usercopy.h"

#define PF_PRESENT	(1u << 0)
#define PF_WRITE	(1u << 1)
#define PF_FETCH	(1u << 4)

static const char *const exception_names[VECTOR_EXCEPTIONS] = {
	"#DE divide error", "#DB debug", "NMI", "#BP breakpoint", "#OF overflow",
	"#BR bound range", "#UD invalid opcode", "#NM no FPU", "#DF double fault",
	"coprocessor overrun", "#TS invalid TSS", "#NP segment not present", "#SS stack fault",
	"#GP general protection", "#PF page fault", "reserved", "#MF x87 error",
	"#AC alignment check", "#MC machine check", "#XM SIMD error", "#VE virtualization",
	"#CP control protection",
};

const char *exception_name(uint64_t vector)
{
	return vector < VECTOR_EXCEPTIONS && exception_names[vector] ? exception_names[vector] :
								       "reserved";
}

/* Bring a page in for the current process. 0 when the access may be retried; -ENOMEM. */
static int resolve_page_fault(uint64_t va, uint64_t error)
{
	struct thread *t = current_thread();

	if (!t->process || va >= USER_END || (error & PF_PRESENT))
		return -1;
	return aspace_fault(t->process->as, va, error & PF_WRITE, error & PF_FETCH);
}

/* That failed with @err: what the dead have may help. The same results. */
static __attribute__((noinline)) int resolve_once_more(int err, uint64_t va, uint64_t error)
{
	if (err != -ENOMEM)
		return err;
	reclaim(true);
	return resolve_page_fault(va, error);
}

/* For the line that says why: was there no memory for the page? */
static const char *what_is_short(int err)
{
	if (err != -ENOMEM)
		return "";
	if (aspace_at_limit(current_thread()->process->as))
		return ": the limit of its memory is reached";
	return ": no memory is left";
}

void user_exception(struct trapframe *frame)
{
	uint64_t cr2;
	int err;

	if (frame->vector == VECTOR_PF) {
		cr2 = read_cr2();
		err = resolve_page_fault(cr2, frame->error);
		if (err)
			err = resolve_once_more(err, cr2, frame->error);
		if (!err)
			return;
		process_kill_current(VECTOR_PF, "%s at %p: %s of %p (error %lx)%s",
				     exception_name(VECTOR_PF), (void *)frame->rip,
				     frame->error & PF_FETCH ? "fetch" :
				     frame->error & PF_WRITE ? "write" :
							       "read",
				     (void *)cr2, frame->error, what_is_short(err));
	}
	if (probe.trap && probe.trap(frame, read_cr3(), 0))
		return;
	process_kill_current(frame->vector, "%s at %p (error %lx)", exception_name(frame->vector),
			     (void *)frame->rip, frame->error);
}

void leave_for_kernel_stack(void (*fn)(uint64_t), uint64_t arg)
{
	/* An IST entry wrote GS_BASE and left KERNEL_GS_BASE alone: in the kernel it must be the
	 * user's, always 0. */
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	__asm__ volatile("mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tcall *%1\n\tud2"
			 : : "r"(this_cpu()->percpu->kstack_top), "r"(fn), "D"(arg) : "memory");
	__builtin_unreachable();
}

/* Is it what IRETQ says of the user's words that it loads? Anything else there is the kernel's
 * own fault: SDM vol. 2, IRET. */
static bool iret_faults_with(uint64_t vector)
{
	return vector == VECTOR_GP || vector == VECTOR_NP || vector == VECTOR_SS;
}

static void kill_bad_iret(uint64_t vector)
{
	process_kill_current(vector, "%s on return to user mode: bad user state",
			     exception_name(vector));
}

static void __attribute__((noreturn))
kernel_page_fault(struct trapframe *frame, uint64_t cr3, uint64_t va)
{
	const char *what;

	if (stack_guard_hit(va, &what))
		panic_frame(frame, cr3, "stack overflow: guard page of a %s at %p", what,
			    (void *)va);
	panic_frame(frame, cr3, "page fault in kernel mode: %s of %p, error %lx",
		    frame->error & PF_FETCH ? "fetch" : frame->error & PF_WRITE ? "write" : "read",
		    (void *)va, frame->error);
}

/* A page that a user copy needs; true when it goes on. One copy may need several, and all their
 * tables. */
static bool page_for_copy(uint64_t va, uint64_t error)
{
	int err = resolve_page_fault(va, error);

	if (err)
		err = resolve_once_more(err, va, error);
	sched_point();
	return !err;
}

void kernel_exception(struct trapframe *frame, uint64_t cr3)
{
	uint64_t cr2 = read_cr2(), fixup;

	smap_close();			/* IRETQ opens it again for the copy that goes on */
	if (probe.trap && probe.trap(frame, cr3, rdmsr(MSR_KERNEL_GS_BASE)))
		return;
	if (frame->rip == (uint64_t)this_cpu()->design->iret && iret_faults_with(frame->vector))
		leave_for_kernel_stack(kill_bad_iret, frame->vector);
	fixup = usercopy_fixup(frame->rip);
	if (fixup && (frame->vector == VECTOR_PF || frame->vector == VECTOR_GP ||
		      frame->vector == VECTOR_SS)) {
		if (frame->vector != VECTOR_PF || !page_for_copy(cr2, frame->error))
			frame->rip = fixup;
		return;
	}
	if (frame->vector == VECTOR_PF)
		kernel_page_fault(frame, cr3, cr2);
	panic_frame(frame, cr3, "%s in kernel mode, error %lx", exception_name(frame->vector),
		    frame->error);
}
