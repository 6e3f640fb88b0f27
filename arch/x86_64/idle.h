/* SPDX-License-Identifier: MIT */
/* idle.h - stop until an interrupt comes. */
#ifndef ARCH_IDLE_H
#define ARCH_IDLE_H

/* Takes interrupts, at least one of any kind, and returns. IRQs off on entry and on return. */
void idle_wait(void);

/* In it: the HLT, and the instruction after it. */
extern const char idle_halt[], idle_halted[];

#endif
