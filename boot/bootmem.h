/* SPDX-License-Identifier: MIT */
/* bootmem.h - the memory map of struct bootinfo. */
#ifndef KERNEL_BOOTMEM_H
#define KERNEL_BOOTMEM_H

#include "boot/bootinfo.h"

/* Note a range. When the table is full the least RAM is given up and counted (bi->mem_given_up).
 * NULL, or the sentence for a range that the firmware made up: nothing sensible can follow. */
const char *bootmem_add(struct bootinfo *bi, uint64_t base, uint64_t len, bool usable);
/* Forget the RAM from physical address @limit on. Returns how many bytes that was. */
uint64_t bootmem_limit_ram(struct bootinfo *bi, uint64_t limit);

#endif
