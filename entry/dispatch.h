/* SPDX-License-Identifier: MIT */
/* dispatch.h - the common C that every design's path leads to. */
#ifndef ENTRY_DISPATCH_H
#define ENTRY_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

struct trapframe;

/* All: kernel table, kernel GS, IRQs off. */

/* Run the system call that @frame asks for; returns what goes into its rax. On the thread's kernel
 * stack. */
int64_t syscall_dispatch(struct trapframe *frame);
/* Exceptions from user mode on the kernel stack, interrupts from anywhere on the current one. */
void idt_dispatch(struct trapframe *frame);
/* Handlers of interrupt vectors 32..255, which send their own EOI, and of exceptions from user
 * mode. Returns the one before. Boot time, and tests. */
typedef void trap_handler(struct trapframe *frame);
trap_handler *irq_set_handler(uint8_t vector, trap_handler *handler);
trap_handler *irq_handler_of(uint8_t vector);
/* How often @vector came, on any CPU, while it had no handler: acknowledged where that is due,
 * and ignored. */
uint32_t irq_unexpected(uint8_t vector);

#endif
