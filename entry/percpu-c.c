/* SPDX-License-Identifier: MIT */
/* percpu-c.c - the flips in C on the per-CPU entry stack. */
#include "entry/common.h"
#include "entry/flip.h"
#include "mm/layout.h"

DECLARE_DESIGN(percpu_c);

void percpu_c_syscall_in(void);
void percpu_c_syscall_out(void);
void percpu_c_idt_in(void);
void percpu_c_idt_out(void);

/* [cr3=user gs=kernel rsp=entry if=0] on entry, [cr3=kernel gs=kernel rsp=entry if=0] on return. */
ENTRY_TEXT("percpu-c") void percpu_c_syscall_in(void)
{
	FLIP_IN("percpu-c.syscall.in");
}

/* [cr3=kernel gs=kernel rsp=entry if=0] on entry, [cr3=user gs=kernel rsp=entry if=0] on return. */
ENTRY_TEXT("percpu-c") void percpu_c_syscall_out(void)
{
	FLIP_OUT("percpu-c.syscall.out");
}

/* [cr3=user gs=kernel rsp=entry if=0] on entry, [cr3=kernel gs=kernel rsp=entry if=0] on return. */
ENTRY_TEXT("percpu-c") void percpu_c_idt_in(void)
{
	FLIP_IN("percpu-c.idt.in");
}

/* [cr3=kernel gs=kernel rsp=entry if=0] on entry, [cr3=user gs=kernel rsp=entry if=0] on return. */
ENTRY_TEXT("percpu-c") void percpu_c_idt_out(void)
{
	FLIP_OUT("percpu-c.idt.out");
}

const struct entry_design entry_percpu_c = {
	DESIGN_COMMON(percpu_c, true, shared_two),
	.entry_stack = CEA_ENTRY_STACK_PAGE(1),
	.setup_cpu = entry_stack_setup_cpu,
	.load_cpu = entry_stack_load_cpu,
	.setup_thread = kernel_stack_setup_thread,
	.retire_thread = no_thread_retire,
	.switch_thread = entry_stack_switch_thread,
};
