/* SPDX-License-Identifier: MIT */
/*
 * early.c - NMIs and faults of a CPU that has no descriptors of its own yet.
 *
 * An NMI may find anything half done: the console's line, the kernel's table, GS.  So it is only
 * counted, in the image, which every table shows at its place; the report comes when the CPU is
 * set up.  A fault does not return, so it may make itself the world that a panic needs.
 */
#include "kernel/early.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/uart.h"
#include "arch/x86_64/x86.h"
#include "kernel/console/panic.h"
#include "kernel/console/printk.h"
#include "kernel/trap/fault.h"
#include "mm/kspace.h"
#include "mm/usercopy.h"

/* One CPU at a time is on its way: the boot CPU, then those that it starts. */
static uint32_t nmis;
static uint64_t last_nmi_rip;

static void __attribute__((noreturn)) report_fault(const struct trapframe *frame, uint64_t cr3)
{
	uint64_t cr2 = read_cr2();

	if (!uart_is_set_up())
		uart_init();
	/* A CPU that is being started: the panic stops the others through the APIC, which the
	 * early table does not show, and which may still be in another mode than theirs. */
	if (cpus[0].online) {
		write_cr3(kspace_boot_root());
		lapic_enable();
	}
	panic_frame(frame, cr3, "%s before the CPU was set up: vector %lu, error %lx, CR2 %p",
		    exception_name(frame->vector), frame->vector, frame->error, (void *)cr2);
}

void early_exception(struct trapframe *frame, uint64_t cr3)
{
	uint64_t fixup = frame->vector == VECTOR_GP ? usercopy_fixup(frame->rip) : 0;

	if (frame->vector == VECTOR_NMI) {
		last_nmi_rip = frame->rip;
		nmis++;
	} else if (fixup) {
		frame->rip = fixup;
	} else {
		report_fault(frame, cr3);
	}
}

void early_report_nmis(uint32_t index)
{
	uint32_t n = __atomic_exchange_n(&nmis, 0, __ATOMIC_RELAXED);

	if (n)
		printk("NMI: %u before CPU %u was set up, the last at %p\n", n, index,
		       (void *)last_nmi_rip);
}
