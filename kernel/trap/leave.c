/* SPDX-License-Identifier: MIT */
/*
 * leave.c - the way to user mode: what has to be done before, and who has just been made.
 *
 * On the thread's kernel stack, kernel table, kernel GS, interrupts off.
 */
#include "kernel/trap/leave.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/switch.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/object/process.h"
#include "kernel/sched/sched.h"
#include "mm/tlb.h"

/* On the thread's kernel stack, just below the place of a frame. */
static void leave_resumed(void)
{
	struct thread *t = current_thread();

	if (t->process->dying)
		thread_exit_current();
	wrmsr(MSR_FS_BASE, t->stopped_fs_base);
	exit_work();	/* it may stop again: hence the fresh stack, or they would pile up */
	t->design->user_return(t->frame);
}

/* The current thread is to stop. Its kernel stack's contents are given up. */
static void __attribute__((noreturn)) stop(void)
{
	this_cpu()->percpu->work &= ~WORK_STOP;
	thread_wait_stopped();
	run_on_stack(current_thread()->kstack_top - sizeof(struct trapframe), leave_resumed);
}

void exit_work(void)
{
	struct percpu *pc = this_cpu()->percpu;

	while (pc->work & ~WORK_TLB) {
		if (current_thread()->process->dying)
			thread_exit_current();
		if (pc->work & WORK_STOP)
			stop();
		pc->work &= WORK_TLB;
		sched_yield();
		pc = this_cpu()->percpu;	/* it may be another CPU now */
	}
	if (pc->work)
		tlb_exit_work();		/* last: what comes after is the flip out */
}

void exit_syscall_work(int64_t result)
{
	current_thread()->frame->rax = (uint64_t)result;
	exit_work();
}

/* [cr3=kernel gs=kernel rsp=kernel if=0], queue lock held: thread_entry() calls it. */
void thread_start(void);
void thread_start(void)
{
	struct thread *t = current_thread();

	sched_start();
	exit_work();
	t->design->user_return(t->frame);
}
