/* SPDX-License-Identifier: MIT */
/* percpu.c - hooks of the per-CPU entry stack; all of its path is assembly. */
#include "entry/common.h"
#include "mm/layout.h"

DECLARE_DESIGN(percpu);

const struct entry_design entry_percpu = {
	DESIGN_COMMON(percpu, true, shared_two),
	.entry_stack = CEA_ENTRY_STACK_PAGE(0),
	.setup_cpu = entry_stack_setup_cpu,
	.load_cpu = entry_stack_load_cpu,
	.setup_thread = kernel_stack_setup_thread,
	.retire_thread = no_thread_retire,
	.switch_thread = entry_stack_switch_thread,
};
