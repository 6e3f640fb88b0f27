/* SPDX-License-Identifier: MIT */
/* world.c - stop all CPUs but this one, and let them go on. */
#include "tests/kernel/world.h"
#include <stdbool.h>
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "arch/x86_64/xcall.h"
#include "entry/dispatch.h"
#include "kernel/sched/sched.h"
#include "kernel/sync/spinlock.h"
#include "mm/tlb.h"

uint64_t world_cr3[MAX_CPUS], world_lstar[MAX_CPUS], world_idt[MAX_CPUS];

static struct spinlock world_lock;		/* of whoever has the others stand */
static uint64_t standing;		/* bit n: CPU n does */
static bool world_stopped;

static void look(void)
{
	uint32_t cpu = this_cpu()->index;
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idt;

	__asm__ volatile("sidt %0" : "=m"(idt));
	world_cr3[cpu] = read_cr3();
	world_lstar[cpu] = rdmsr(MSR_LSTAR);
	world_idt[cpu] = idt.base;
}

/* While it stands a CPU answers shootdowns: one that waits for it must come to its own stop. */
static void stand(struct trapframe *frame)
{
	uint64_t bit = 1ul << this_cpu()->index;

	(void)frame;
	lapic_eoi();
	look();
	__atomic_or_fetch(&standing, bit, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&world_stopped, __ATOMIC_SEQ_CST)) {
		xcall_serve();
		cpu_pause();
	}
	__atomic_and_fetch(&standing, ~bit, __ATOMIC_SEQ_CST);
}

static void wait_until_standing(uint64_t cpus_wanted)
{
	while (__atomic_load_n(&standing, __ATOMIC_SEQ_CST) != cpus_wanted) {
		xcall_serve();
		cpu_pause();
	}
}

void world_stop(void)
{
	uint64_t others;

	while (!spin_trylock(&world_lock)) {
		irq_window();		/* to stand, perhaps */
		cpu_pause();
	}
	irq_set_handler(VECTOR_STAND, stand);
	others = sched_online_cpus() & ~(1ul << this_cpu()->index);
	__atomic_store_n(&world_stopped, true, __ATOMIC_SEQ_CST);
	for (uint64_t left = others; left; left &= left - 1)
		lapic_send_ipi(cpus[__builtin_ctzl(left)].apic_id, VECTOR_STAND);
	wait_until_standing(others);
	look();
}

void world_go(void)
{
	__atomic_store_n(&world_stopped, false, __ATOMIC_SEQ_CST);
	wait_until_standing(0);
	spin_unlock(&world_lock);
}
