/* SPDX-License-Identifier: MIT */
/* pertask.c - the outer handlers on the trampoline stack. */
#include "entry/common.h"
#include "entry/dispatch.h"
#include "entry/flip.h"
#include "entry/trampoline.h"
#include "kernel/trap/leave.h"

DECLARE_DESIGN(pertask);

int64_t pertask_syscall(struct trapframe *frame);
void pertask_idt(struct trapframe *frame);
void pertask_first_return(void);

/* [cr3=user gs=kernel rsp=tramp if=0] on entry and on return. */
ENTRY_TEXT("pertask") int64_t pertask_syscall(struct trapframe *frame)
{
	int64_t result;

	FLIP_IN("pertask.syscall.in");
	result = CALL_ON_KERNEL_STACK(syscall_dispatch, frame);
	if (__builtin_expect(work_pending(), 0))
		EXIT_WORK_ON_KERNEL_STACK(exit_syscall_work, result);
	FLIP_OUT("pertask.syscall.out");
	return result;
}

/* [cr3=user gs=kernel rsp=tramp if=0] on entry and on return. */
ENTRY_TEXT("pertask") void pertask_idt(struct trapframe *frame)
{
	int64_t nothing = 0;

	FLIP_IN("pertask.idt.in");
	CALL_ON_KERNEL_STACK(idt_dispatch, frame);
	if (__builtin_expect(work_pending(), 0))
		EXIT_WORK_ON_KERNEL_STACK(exit_work, nothing);
	FLIP_OUT("pertask.idt.out");
}

/* [cr3=kernel gs=kernel rsp=tramp if=0] on entry, [cr3=user gs=kernel rsp=tramp if=0] on return. */
ENTRY_TEXT("pertask") void pertask_first_return(void)
{
	FLIP_OUT("pertask.first.out");
}

const struct entry_design entry_pertask = {
	DESIGN_COMMON(pertask, true, shared_two),
	.setup_cpu = no_cpu_setup,
	.load_cpu = no_cpu_load,
	.setup_thread = trampoline_setup_thread,
	.retire_thread = trampoline_retire_thread,
	.switch_thread = trampoline_switch_thread,
};
