/* SPDX-License-Identifier: MIT */
/* panic.h - the end: say which invariant broke, where, in which design, and stop. */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>
#include <stdint.h>

struct trapframe;

#define DEBUG_EXIT_PORT	0xf4		/* QEMU's isa-debug-exit, where it is configured */

/* Registers, CR2, CR3 and which table it is, design, CPU, last step label, symbolised backtrace;
 * then every other CPU's state, `EXIT 18`.  The other CPUs are stopped by NMI.  Takes no lock,
 * and no wait is without a bound.  Of two CPUs that panic at once, one is first, the other stops
 * like the rest and tells its message.  Kernel table. */
void panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* The same for a fault: @frame is what it interrupted, @cr3 the table found on entry. */
void panic_frame(const struct trapframe *frame, uint64_t cr3, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/* The NMI of a panic on another CPU: print where this one was when its turn comes, and halt.
 * Returns when this CPU panics itself or stops already. @frame is what the NMI interrupted, @cr3
 * the table found. NMI's body stack. */
void panic_stop(const struct trapframe *frame, uint64_t cr3);

/* A panic has begun, on whatever CPU: take no lock any more. Any context. */
bool panic_in_progress(void);

/* Symbol at or below @address, with *offset set; NULL when it is no kernel text. Local labels
 * included. */
const char *ksym_lookup(uint64_t address, uint64_t *offset);

/* Print `EXIT <code>`, write @code to isa-debug-exit (and Bochs's and ACPI-less fall-backs), then
 * halt. */
void machine_exit(unsigned code) __attribute__((noreturn));

#endif
