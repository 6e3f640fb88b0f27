/* SPDX-License-Identifier: MIT */
/*
 * registry.h - every entry design, in the order of menus and tables.
 *
 * The one list: the GRUB menu, the boot matrix, the audit and the comparison
 * are generated from these lines (tools/lib/designs.py reads them), and the Makefile
 * takes entry/<name>.asm and entry/<name>.c.
 *
 * ENTRY_DESIGN(C identifier, "name on the command line", "summary")
 */
ENTRY_DESIGN(direct, "direct", "one table, no flip: the unmitigated baseline")
ENTRY_DESIGN(percpu, "percpu", "per-CPU entry stack, flip in assembly at once (as Linux)")
ENTRY_DESIGN(percpu_c, "percpu-c", "per-CPU entry stack, flip in C, whole frame copied")
ENTRY_DESIGN(pertask, "pertask", "the task's own trampoline stack, flip in C (Chartre's RFC)")
