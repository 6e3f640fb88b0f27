/* SPDX-License-Identifier: MIT */
/* common.c - hooks that several designs share. */
#include "entry/common.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trapframe.h"
#include "kernel/abi.h"
#include "kernel/object/object.h"
#include "mm/aspace.h"
#include "mm/cpuarea.h"
#include "mm/frames.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"

const uint8_t entry_ist[256] = {
	[VECTOR_NMI] = IST_NMI,
	[VECTOR_DB] = IST_DB,
	[VECTOR_DF] = IST_DF,
	[VECTOR_MC] = IST_MC,
};

int no_cpu_setup(struct cpu *cpu)
{
	(void)cpu;
	return 0;
}

void no_cpu_release(struct cpu *cpu)
{
	(void)cpu;
}

void no_user_root_release(struct aspace *as)
{
	(void)as;
}

void no_thread_retire(struct thread *t)
{
	(void)t;
}

int shared_user_root(struct aspace *as)
{
	if (boot_design->split)
		kspace_fill_user_root(as->tlb.root + PAGE_SIZE);
	return 0;
}

int entry_stack_setup_cpu(struct cpu *cpu)
{
	uint64_t top = cea_page(cpu->index, CEA_ENTRY_STACK_PAGE) + PAGE_SIZE;

	if (!cpu_block_page(cpu, CEA_ENTRY_STACK_PAGE, PTE_W | PTE_NX, true))
		return -ENOMEM;
	cpu->percpu->entry_top = top;
	cpu->tss->rsp[0] = top;
	return 0;
}

void entry_stack_release_cpu(struct cpu *cpu)
{
	uint64_t entry_pte = kspace_unmap_visible(cea_page(cpu->index, CEA_ENTRY_STACK_PAGE));

	cpu->block_pa[CEA_ENTRY_STACK_PAGE] = 0;
	frame_free(entry_pte & PTE_ADDR);
}

int kernel_stack_setup_thread(struct thread *t)
{
	t->frame = (struct trapframe *)t->kstack_top - 1;
	return 0;
}

/* RSP0 and the door name the CPU's own stack for ever. */
void entry_stack_switch_thread(struct cpu *cpu, struct thread *next)
{
	(void)cpu;
	(void)next;
}
