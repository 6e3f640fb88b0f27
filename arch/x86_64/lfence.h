/* SPDX-License-Identifier: MIT */
/* lfence.h - LFENCE as the barrier that the entry paths take it for. */
#ifndef ARCH_LFENCE_H
#define ARCH_LFENCE_H

#include <stdbool.h>

/* Have LFENCE on this CPU wait for what is before it, and hold back what is after it. False
 * where neither the manual nor the processor promises that. Each CPU, IRQs off; a #GP on the way
 * is survived, before cpu_load() too. */
bool lfence_make_serializing(void);

#endif
