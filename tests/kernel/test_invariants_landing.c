/* SPDX-License-Identifier: MIT */
/* test_invariants_landing.c - where a CPU that runs a program will land in the kernel: made wrong
 * once for each design, and found. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_setup.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/x86.h"
#include "entry/trampoline.h"
#include "mm/tlb.h"
#include "tests/kernel/plant.h"
#include "tests/kernel/stage.h"

static struct stage stage;
static struct thread *myself;

/* This CPU has the stage's @t, as load_context() would leave it, and it is nobody's turn. */
static void appear_as(struct thread *t)
{
	struct cpu *cpu = this_cpu();

	myself = current_thread();
	t->state = THREAD_RUNNING;
	t->cpu = cpu;
	tlb_load(t->space);
	cpu_load_design(cpu, t->design);
	t->design->switch_thread(cpu, t);
	cpu->percpu->kstack_top = t->kstack_top;
	cpu->percpu->current = t;
}

static void be_myself(struct thread *t)
{
	struct cpu *cpu = this_cpu();

	cpu->percpu->current = myself;
	cpu->percpu->kstack_top = myself->kstack_top;
	cpu_load_design(cpu, boot_design);
	tlb_load(NULL);
	t->state = THREAD_SLEEPING;
}

/* @t lands where @other's threads do. */
static void plant_ways_in(struct thread *t, const struct entry_design *other, bool *failed)
{
	struct cpu *cpu = this_cpu();

	PLANT(cpu->design, other, "SYSCALL leads into another design");
	cpu_load_design(cpu, other);
	KCHECK(plant_found("its design is not its thread's"));
	cpu_load_design(cpu, t->design);
	t->design->switch_thread(cpu, t);
	wrmsr(MSR_LSTAR, (uint64_t)other->syscall_entry);
	KCHECK(plant_found("SYSCALL leads into another design"));
	wrmsr(MSR_LSTAR, (uint64_t)t->design->syscall_entry);
	idt_load(other);
	KCHECK(plant_found("its IDT is another design's"));
	idt_load(t->design);
	PLANT(t->process->as->design, other, "its design is not its thread's");
	for (EACH_DESIGN(e)) {
		uint64_t top = cea_page(cpu->index, e->entry_stack) + PAGE_SIZE;

		if (!e->entry_stack || e == t->design)
			continue;
		PLANT(cpu->tss->rsp[0], top, "an interrupt lands elsewhere");
		if (t->design->entry_stack)
			PLANT(cpu->percpu->entry_top, top, "a system call lands elsewhere");
	}
}

KTEST(wrong_landings_are_found)
{
	for (EACH_DESIGN(d)) {
		struct cpu *cpu = this_cpu();
		struct thread *t;

		stage_set_by(&stage, d);
		t = stage.other;
		appear_as(t);
		KCHECK(!invariants_check());
		PLANT(cpu->tss->rsp[0], t->kstack_top - 16, "an interrupt lands elsewhere");
		PLANT(cpu->tss->rsp[0], stage.thread[0]->kstack_top,
		      "an interrupt lands elsewhere");
		if (d->entry_stack || trampoline_of(t)) {
			PLANT(cpu->tss->rsp[0], t->kstack_top, "an interrupt lands elsewhere");
			PLANT(cpu->percpu->entry_top, t->kstack_top,
			      "a system call lands elsewhere");
		}
		if (trampoline_of(t)) {
			uint64_t top = trampoline_of(stage.thread[0])->top;

			PLANT(cpu->tss->rsp[0], top, "an interrupt lands elsewhere");
			PLANT(cpu->percpu->entry_top, top, "a system call lands elsewhere");
		}
		if (stage_neighbour(d))
			plant_ways_in(t, stage_neighbour(d), failed);
		be_myself(t);
		stage_clear(&stage);
	}
}

/* It may be interrupted all the same. */
KTEST(wrong_ways_in_of_an_idle_cpu_are_found)
{
	const struct entry_design *own = this_cpu()->design, *other = stage_neighbour(own);

	if (!other)
		return;
	idt_load(other);
	KCHECK(plant_found("its IDT is another design's"));
	idt_load(own);
	wrmsr(MSR_LSTAR, (uint64_t)other->syscall_entry);
	KCHECK(plant_found("SYSCALL leads into another design"));
	wrmsr(MSR_LSTAR, (uint64_t)own->syscall_entry);
}
