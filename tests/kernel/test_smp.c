/* SPDX-License-Identifier: MIT */
/* test_smp.c - every CPU is up, set up like the first, on tables and stacks of its own, and hears
 * its interrupts. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "entry/dispatch.h"
#include "kernel/sched/sched.h"
#include "mm/kspace.h"
#include "mm/stacks.h"
#include "tests/kernel/ktest.h"

/* What a CPU finds in its own registers. */
static struct view {
	uint64_t cr0, cr3, cr4, efer, gs_base, user_gs_base, gdt, idt, lstar, star, fmask, rsp;
	uint32_t apic_id, tr, index;
	uint64_t interrupts;
} views[MAX_CPUS];

struct __attribute__((packed)) table {
	uint16_t limit;
	uint64_t base;
};

/* Interrupt handler; CPUs tell themselves apart by GS, and the test tells whether that was
 * right. */
static void look(struct trapframe *frame)
{
	struct view *v = &views[this_cpu()->index];
	struct table gdt, idt;

	(void)frame;
	lapic_eoi();
	__asm__ volatile("sgdt %0" : "=m"(gdt));
	__asm__ volatile("sidt %0" : "=m"(idt));
	__asm__ volatile("str %0" : "=r"(v->tr));
	__asm__ volatile("mov %%rsp, %0" : "=r"(v->rsp));
	v->cr0 = read_cr0();
	v->cr3 = read_cr3();
	v->cr4 = read_cr4();
	v->efer = rdmsr(MSR_EFER);
	v->gs_base = rdmsr(MSR_GS_BASE);
	v->user_gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	v->lstar = rdmsr(MSR_LSTAR);
	v->star = rdmsr(MSR_STAR);
	v->fmask = rdmsr(MSR_FMASK);
	v->gdt = gdt.base;
	v->idt = idt.base;
	v->apic_id = lapic_id();
	v->index = cpu_number_by_apic_id();
	__atomic_add_fetch(&v->interrupts, 1, __ATOMIC_RELEASE);
}

/* Interrupt CPU @i @n times, one after the other; a hang is the boot runner's time-out. */
static void interrupt(uint32_t i, unsigned n)
{
	irq_set_handler(VECTOR_SELF_TEST, look);
	for (unsigned k = 0; k < n; k++) {
		uint64_t before = __atomic_load_n(&views[i].interrupts, __ATOMIC_ACQUIRE);

		lapic_send_ipi(cpus[i].apic_id, VECTOR_SELF_TEST);
		while (__atomic_load_n(&views[i].interrupts, __ATOMIC_ACQUIRE) == before)
			__asm__ volatile("sti; nop; cli; pause" : : : "memory");
	}
}

static bool in_block(uint32_t i, uint64_t va)
{
	return va > cea_page(i, 0) && va <= cea_page(i + 1, 0);
}

KTEST(every_cpu_is_online_and_is_itself)
{
	uint64_t all = cpu_count == 64 ? ~0ul : (1ul << cpu_count) - 1;

	KCHECK(cpu_count >= 1 && cpu_count <= acpi.cpu_count);
	KCHECK(sched_online_cpus() == all);
	for (uint32_t i = 0; i < cpu_count; i++) {
		interrupt(i, 1);
		KCHECK(cpus[i].online && cpus[i].index == i);
		KCHECK(views[i].apic_id == cpus[i].apic_id);
		KCHECK(views[i].index == i);
		KCHECK(cpus[i].percpu->cpu == &cpus[i] && cpus[i].percpu->index == i);
		for (uint32_t j = 0; j < i; j++)
			KCHECK(cpus[i].apic_id != cpus[j].apic_id);
	}
}

KTEST(every_cpu_is_set_up_like_the_first)
{
	for (uint32_t i = 0; i < cpu_count; i++) {
		const struct view *v = &views[i];

		interrupt(i, 1);
		KCHECK(v->cr0 == views[0].cr0 && v->cr4 == views[0].cr4 &&
		       v->efer == views[0].efer);
		KCHECK(v->lstar == (uint64_t)boot_design->syscall_entry);
		KCHECK(v->star == views[0].star && v->fmask == views[0].fmask);
		KCHECK(v->idt == cea_idt(boot_design->number));
		KCHECK(v->tr == SEL_TSS && !v->user_gs_base);
		KCHECK((v->cr3 & ~(PAGE_SIZE - 1ul)) == kspace_boot_root());
	}
}

KTEST(every_cpu_has_tables_and_stacks_of_its_own)
{
	for (uint32_t i = 0; i < cpu_count; i++) {
		const struct tss *tss = cpus[i].tss;
		const struct view *v = &views[i];
		uint64_t top = cpus[i].idle->kstack_top;

		interrupt(i, 1);
		KCHECK(v->gs_base == cea_page(i, CEA_DOOR_PAGE) &&
		       v->gdt == cea_page(i, CEA_GDT_PAGE));
		for (int k = IST_NMI; k <= IST_COUNT; k++)
			KCHECK(in_block(i, tss->ist[k]));
		/* RSP0 is 0 before the CPU's first user thread where it goes with the thread. */
		KCHECK(!tss->rsp[0] || in_block(i, tss->rsp[0]) || tss->rsp[0] == top || i == 0);
		KCHECK(v->rsp < top && v->rsp > top - KSTACK_PAGES * PAGE_SIZE);
		for (uint32_t j = 0; j < i; j++) {
			KCHECK(top != cpus[j].idle->kstack_top && cpus[i].gdt != cpus[j].gdt &&
			       tss != cpus[j].tss);
			for (int k = 0; k <= IST_COUNT; k++)
				KCHECK(cpus[i].percpu->ist_body_top[k] !=
				       cpus[j].percpu->ist_body_top[k]);
		}
	}
}

KTEST(interrupts_arrive_on_each_cpu)
{
	for (uint32_t i = 0; i < cpu_count; i++) {
		uint64_t before = views[i].interrupts;

		interrupt(i, 100);
		KCHECK(views[i].interrupts == before + 100);
	}
}

static uint64_t ticks[MAX_CPUS];
static bool timer_off[MAX_CPUS];

/* The CPU's third tick is its last. */
static void count_tick(struct trapframe *frame)
{
	uint32_t i = this_cpu()->index;

	(void)frame;
	lapic_eoi();
	if (++ticks[i] < 3)
		return;
	lapic_timer_periodic(0);
	__atomic_store_n(&timer_off[i], true, __ATOMIC_RELEASE);
}

static void start_timer(struct trapframe *frame)
{
	(void)frame;
	lapic_eoi();
	lapic_timer_periodic(1000);
}

KTEST(each_cpu_has_a_timer)
{
	irq_set_handler(VECTOR_TIMER, count_tick);
	irq_set_handler(VECTOR_SELF_TEST, start_timer);
	for (uint32_t i = 0; i < cpu_count; i++) {
		lapic_send_ipi(cpus[i].apic_id, VECTOR_SELF_TEST);
		while (!__atomic_load_n(&timer_off[i], __ATOMIC_ACQUIRE))
			__asm__ volatile("sti; nop; cli; pause" : : : "memory");
		KCHECK(ticks[i] >= 3);
	}
	irq_set_handler(VECTOR_TIMER, sched_tick);
}
