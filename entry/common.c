/* SPDX-License-Identifier: MIT */
/* common.c - hooks that several designs share. */
#include "entry/common.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trapframe.h"
#include "kernel/abi.h"
#include "kernel/object/object.h"
#include "mm/aspace.h"
#include "mm/cpuarea.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"

const uint8_t entry_ist[256] = {
	[VECTOR_NMI] = IST_NMI,
	[VECTOR_DB] = IST_DB,
	[VECTOR_DF] = IST_DF,
	[VECTOR_MC] = IST_MC,
};

int no_cpu_setup(const struct entry_design *d, struct cpu *cpu)
{
	(void)d, (void)cpu;
	return 0;
}

void no_cpu_load(const struct entry_design *d, struct cpu *cpu)
{
	(void)d, (void)cpu;
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
	if (as->design->split)
		kspace_fill_user_root(as->tlb.root + PAGE_SIZE, as->design);
	return 0;
}

/* Not Global: what it keeps of its last user is for the design's own processes at most. */
int entry_stack_setup_cpu(const struct entry_design *d, struct cpu *cpu)
{
	return cpu_block_page(cpu, d->entry_stack, PTE_W | PTE_NX, 1u << d->number) ? 0 : -ENOMEM;
}

void entry_stack_load_cpu(const struct entry_design *d, struct cpu *cpu)
{
	uint64_t top = cea_page(cpu->index, d->entry_stack) + PAGE_SIZE;

	cpu->percpu->entry_top = top;
	cpu->tss->rsp[0] = top;
}

int kernel_stack_setup_thread(struct thread *t)
{
	t->frame = (struct trapframe *)t->kstack_top - 1;
	return 0;
}

/* RSP0 and the door name the CPU's own stack whoever runs. */
void entry_stack_switch_thread(struct cpu *cpu, struct thread *next)
{
	(void)cpu;
	(void)next;
}
