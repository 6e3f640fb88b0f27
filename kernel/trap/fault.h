/* SPDX-License-Identifier: MIT */
/* fault.h - exceptions, decided: resolve, kill the program, or panic. */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

#include <stdbool.h>
#include <stdint.h>

struct trapframe;

/* An exception that a user program caused. Its kernel stack, kernel table, IRQs off. Returns
 * when it was resolved (page fault, a skipped UD2), else kills the process. */
void user_exception(struct trapframe *frame);

/* An exception in kernel mode; @cr3 is the table it found. On the stack it hit, or on a body
 * stack when that was a vestibule's. Returns when the fault was expected (user copies). */
void kernel_exception(struct trapframe *frame, uint64_t cr3);

/* IST vectors; @cr3 and @gs are the table and the GS base found. On this CPU's body stack for
 * the vector. True when the event interrupted an NMI handler: the way back is then without
 * IRETQ, which would unmask NMIs. */
bool ist_nmi(struct trapframe *frame, uint64_t cr3, uint64_t gs);
bool ist_debug(struct trapframe *frame, uint64_t cr3, uint64_t gs);
/* returns to tests only */
void ist_double_fault(struct trapframe *frame, uint64_t cr3, uint64_t gs);
bool ist_machine_check(struct trapframe *frame, uint64_t cr3, uint64_t gs);

/* "#GP general protection", for messages. */
const char *exception_name(uint64_t vector);

/* Continue in @fn(@arg) on the current thread's empty kernel stack. From a per-CPU body stack
 * that will not be returned to: what it interrupted was user mode, or the last step to it.
 * Kernel table and GS, IRQs off. */
void leave_for_kernel_stack(void (*fn)(uint64_t), uint64_t arg) __attribute__((noreturn));

#endif
