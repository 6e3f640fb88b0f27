/* SPDX-License-Identifier: MIT */
/* switch.h - changing from one kernel stack to another. */
#ifndef ARCH_SWITCH_H
#define ARCH_SWITCH_H

#include <stdint.h>

/* Push the callee-saved registers, store rsp in *@save, load @load and pop. IRQs off, kernel
 * table. */
void switch_stacks(uint64_t *save, uint64_t load);
/* Where a new thread's first switch returns to: calls thread_start(). */
void thread_entry(void);
/* Lay out @stack_top so that switch_stacks() to the returned value reaches thread_entry(). */
uint64_t switch_prepare(uint64_t stack_top);
/* Go on in @fn on a fresh stack; never returns. */
void run_on_stack(uint64_t stack_top, void (*fn)(void)) __attribute__((noreturn));

#endif
