/* SPDX-License-Identifier: MIT */
/* vga.h - the 80x25 text screen, where the boot loader left one. */
#ifndef ARCH_VGA_H
#define ARCH_VGA_H

#include <stddef.h>

#define VGA_TEXT_PA	0xb8000
#define VGA_TEXT_SIZE	4000		/* bytes: 80 x 25 cells of two */

/* Write to the screen that is mapped at @buffer (VGA_TEXT_SIZE bytes) from now on; the first
 * call clears it. NULL: write nowhere. Called once per mapping: early identity map, then
 * kspace_map_mmio(). IRQs off. */
void vga_init(volatile void *buffer);
/* Write, scroll at the bottom. Without a screen it does nothing. Under the console lock. */
void vga_write(const char *buf, size_t len);

#endif
