/* SPDX-License-Identifier: MIT */
/*
 * dispatch.c - the common C dispatcher: where all designs meet again.
 *
 * Runs on the kernel table, on a kernel stack, kernel GS, interrupts off.  What
 * comes before is the design's; what is here costs every design the same.
 */
#include "entry/dispatch.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "kernel/abi.h"
#include "kernel/console/printk.h"
#include "kernel/object/process.h"
#include "kernel/sched/sched.h"
#include "kernel/trap/fault.h"
#include "syscall_table.inc"

#define LAST_EXCEPTION (VECTOR_EXCEPTIONS - 1)

int64_t syscall_dispatch(struct trapframe *frame)
{
	uint64_t slot = SYSCALL_COUNT;		/* answers -ENOSYS */

	/* The number when it is below that. No branch could be mispredicted here (Spectre v1). */
	__asm__("cmpq %1, %0\n\tcmova %1, %0" : "+r"(slot) : "m"(frame->rax) : "cc");
	return syscall_table[slot](frame);
}

static uint32_t unexpected[256];		/* by vector, of all CPUs */

/* Nothing of ours is lost: what can be masked is (lapic_enable(), ioapic_init()), so it is a
 * device that the firmware has left sending. The one line tells; a storm must not fill the
 * console. */
static void unexpected_irq(struct trapframe *frame)
{
	/* One that the APIC does not have in service came another way, and an EOI would end
	 * somebody else's. */
	if (lapic_in_service(frame->vector))
		lapic_eoi();
	if (!__atomic_fetch_add(&unexpected[frame->vector], 1, __ATOMIC_RELAXED))
		printk("irq: interrupt %lu has no handler: ignored, and told once\n",
		       frame->vector);
}

uint32_t irq_unexpected(uint8_t vector)
{
	return __atomic_load_n(&unexpected[vector], __ATOMIC_RELAXED);
}

/* An entry for each, so that no path asks what a vector is or whether anybody wants it. */
static trap_handler *handlers[256] = {
	[0 ... LAST_EXCEPTION] = user_exception,
	[LAST_EXCEPTION + 1 ... 255] = unexpected_irq,
};

trap_handler *irq_set_handler(uint8_t vector, trap_handler *handler)
{
	trap_handler *old = handlers[vector];

	handlers[vector] = handler;
	return old;
}

trap_handler *irq_handler_of(uint8_t vector)
{
	return handlers[vector];
}

void idt_dispatch(struct trapframe *frame)
{
	smap_close();
	handlers[frame->vector](frame);
}
