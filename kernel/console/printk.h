/* SPDX-License-Identifier: MIT */
/* printk.h - the console: serial line and VGA text, polled. */
#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

#include <stddef.h>

/* Formats: kernel/lib/format.h. */

/* To every console, of any length. Any table but a user root; any IRQ state. */
void printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A line (cut at 255 bytes) that a program brings about, and so at the worst time: to make it takes
 * as long as to write it, up to three rows of a text screen. So interrupts come in before, in
 * between and after. IRQs off, no lock held. */
void printk_windows(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One line (@fmt without its \n, cut at 255 bytes) from an NMI handler: waits for the console
 * lock for a bounded time only, for the interrupted code may hold it; then the line goes to the
 * serial line alone, without the lock. */
void printk_nmi(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Raw bytes to every console; serialised by the console lock. */
void console_write(const char *buf, size_t len);
/* The last line of this boot, at a line's start: nobody prints after it, for the lock is kept.
 * Once. */
void console_last_line(const char *line);
/* End the line that a program may have left unfinished, so that what follows is found at a line's
 * start. */
void console_fresh_line(void);

#endif
