/* SPDX-License-Identifier: MIT */
/* fault.h - exceptions, decided: resolve, kill the program, or panic. */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

struct trapframe;

/* An exception that a user program caused. Its kernel stack, kernel table, IRQs off. Returns when it was
 * resolved (page fault, a skipped UD2), else kills the process. */
void user_exception(struct trapframe *frame);

#endif
