/* SPDX-License-Identifier: MIT */
/* percpu.c - hooks of the per-CPU entry stack; all of its path is assembly. */
#include "entry/common.h"

DECLARE_DESIGN(percpu);

const struct entry_design entry_percpu = {
	DESIGN_COMMON(percpu, true, shared_two),
	.setup_cpu = entry_stack_setup_cpu,
	.release_cpu = entry_stack_release_cpu,
	.setup_thread = kernel_stack_setup_thread,
	.retire_thread = no_thread_retire,
	.switch_thread = entry_stack_switch_thread,
};
