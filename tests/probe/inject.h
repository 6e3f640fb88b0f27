/* SPDX-License-Identifier: MIT */
/*
 * inject.h - faults that a boot is told to carry (inject=), so that a test can be seen to fail.
 *
 *   audit-extra, audit-writable, audit-global, audit-frame, audit-missing,
 *   audit-global-entry-stack, audit-global-trampoline,
 *   audit-other-text, audit-other-idt, audit-other-entry-stack
 *                       spoil a user root in that way (tests/probe/spoil.h): that of the first
 *                       process for which there is such a thing; audit-...:<design>: of the first
 *                       one of that design
 *   panic, double-free, stack-overflow, null-call
 *                       break a kernel invariant once user space is up
 *   deadlock            a CPU waits for a lock that it holds itself
 *   stray-irq           an interrupt comes three times that nobody asked for
 *   panic-all           every CPU panics at once
 *   ap-silent           no CPU but the first comes up when it is started
 */
#ifndef KERNEL_INJECT_H
#define KERNEL_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is @value a valid inject=?  When not and @list is not NULL, the valid ones are written there. */
bool inject_valid(const char *value, char *list, size_t listlen);

/* Be told of new roots and of what the other CPUs start with: a user root, or that code, is spoilt
 * if that was asked for. Kernel table, before any user mode. */
void inject_early(const char *value);
/* Break a kernel invariant, if that was asked for. Called once by the boot thread. */
void inject_late(void);

#endif
