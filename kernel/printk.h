/* SPDX-License-Identifier: MIT */
/* printk.h - the console: serial line and VGA text, polled. */
#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

#include <stdarg.h>
#include <stddef.h>

/* %c %s %d %u %x %p with l (64-bit) or ll, width, 0 flag, %%. Any table but a user root; any IRQ state. */
int vsnprintk(char *buf, size_t size, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));
int snprintk(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Raw bytes to every console; serialised by the console lock. */
void console_write(const char *buf, size_t len);

#endif
