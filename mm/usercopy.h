/* SPDX-License-Identifier: MIT */
/* usercopy.h - the only way to touch user memory. */
#ifndef MM_USERCOPY_H
#define MM_USERCOPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kernel table of the current process. A fault half-way is survived (mm/usercopy.asm, fixup
 * table); demand-zero pages are brought in. 0, or -EFAULT with the destination partly written. */
int copy_from_user(void *dst, uint64_t src, size_t n);
int copy_to_user(uint64_t dst, const void *src, size_t n);

/* Is @rip an instruction of the loop that touches user memory? */
bool usercopy_contains(uint64_t rip);
/* Where to continue after a kernel-mode fault at @rip, or 0 when none is expected there. */
uint64_t usercopy_fixup(uint64_t rip);

#endif
