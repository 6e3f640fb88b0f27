/* SPDX-License-Identifier: MIT */
/* panic.h - the end: say which invariant broke, where, in which design, and stop. */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>
#include <stdint.h>

struct trapframe;

#define DEBUG_EXIT_PORT	0xf4		/* QEMU's isa-debug-exit, where it is configured */

/* Registers, CR2, CR3 and which table it is, design, CPU, last step label, symbolised backtrace; then
 * `EXIT 18`.  Takes no lock and waits for nothing.  Kernel table. */
void panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* The same for a fault: @frame is what it interrupted, @cr3 the table found on entry. */
void panic_frame(const struct trapframe *frame, uint64_t cr3, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/* A panic has begun, on whatever CPU: take no lock any more. Any context. */
bool panic_in_progress(void);

/* Symbol at or below @address, with *offset set; NULL when it is no kernel text. Local labels included. */
const char *ksym_lookup(uint64_t address, uint64_t *offset);

/* Print `EXIT <code>`, write @code to isa-debug-exit (and Bochs's and ACPI-less fall-backs), then halt. */
void machine_exit(unsigned code) __attribute__((noreturn));

#endif
