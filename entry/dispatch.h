/* SPDX-License-Identifier: MIT */
/* dispatch.h - the common C that every design's path leads to. */
#ifndef ENTRY_DISPATCH_H
#define ENTRY_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

struct trapframe;

/* All: kernel table, kernel GS, IRQs off. */

/* Run the system call that @frame asks for; returns what goes into its rax. On the thread's kernel stack. */
int64_t syscall_dispatch(struct trapframe *frame);
/* Exceptions from user mode on the kernel stack, interrupts from anywhere on the current one. */
void idt_dispatch(struct trapframe *frame);
/* Before user mode, while percpu->work is not 0: reschedule, die. On the thread's kernel stack. The frame is complete,
 * a system call's result included: a thread that stops here leaves through user_return() and not through the caller. */
void exit_work(void);
/* The same where the frame does not have a system call's @result yet: puts it there. */
void exit_syscall_work(int64_t result);

/* An exception in kernel mode; @cr3 is the table it found. On the stack it hit, or on a body stack when that was
 * a vestibule's. Returns when the fault was expected (user copies). */
void kernel_exception(struct trapframe *frame, uint64_t cr3);

/* IST vectors; @cr3 and @gs are the table and the GS base found. On this CPU's body stack for the vector. True when
 * the event interrupted an NMI handler: the way back is then without IRETQ, which would unmask NMIs. */
bool ist_nmi(struct trapframe *frame, uint64_t cr3, uint64_t gs);
bool ist_debug(struct trapframe *frame, uint64_t cr3, uint64_t gs);
void ist_double_fault(struct trapframe *frame, uint64_t cr3, uint64_t gs);	/* returns to tests only */
bool ist_machine_check(struct trapframe *frame, uint64_t cr3, uint64_t gs);

/* Handlers of interrupt vectors 32..255; they send their own EOI. Returns the one before. Boot time, and tests. */
typedef void trap_handler(struct trapframe *frame);
trap_handler *irq_set_handler(uint8_t vector, trap_handler *handler);
trap_handler *irq_handler_of(uint8_t vector);
/* How often @vector came, on any CPU, while it had no handler: acknowledged where that is due,
 * and ignored. */
uint32_t irq_unexpected(uint8_t vector);

#endif
