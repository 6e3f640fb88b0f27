/* SPDX-License-Identifier: MIT */
/* fpu.h - user FPU, SSE and AVX state, switched eagerly (SDM vol. 1, 13). The kernel uses none of
 * it. */
#ifndef ARCH_FPU_H
#define ARCH_FPU_H

#include <stddef.h>

void fpu_enable(void);			/* this CPU: XCR0. After CR4.OSXSAVE */
size_t fpu_area_size(void);		/* bytes, 64-byte alignment needed */
void fpu_area_init(void *area);		/* @area is zeroed: make it the initial state */
void fpu_save(void *area);
void fpu_restore(const void *area);

#endif
