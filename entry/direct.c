/* SPDX-License-Identifier: MIT */
/* direct.c - hooks of the unisolated baseline. */
#include "arch/x86_64/cpu.h"
#include "entry/common.h"
#include "kernel/sched/thread.h"

DECLARE_DESIGN(direct);

static void switch_thread(struct cpu *cpu, struct thread *next)
{
	cpu->tss->rsp[0] = next->kstack_top;
}

const struct entry_design entry_direct = {
	DESIGN_COMMON(direct, false, shared_one),
	.setup_cpu = no_cpu_setup,
	.load_cpu = no_cpu_load,
	.setup_thread = kernel_stack_setup_thread,
	.retire_thread = no_thread_retire,
	.switch_thread = switch_thread,
};
