/* SPDX-License-Identifier: MIT */
/* print.h - formatted text: %c %s %d %u %x %p, l and z, width, 0 flag, %%. */
#ifndef USER_PRINT_H
#define USER_PRINT_H

#include <stdarg.h>
#include <stddef.h>

#define PRINT_MAX 511	/* bytes that one printf() writes; the rest is cut */

/* At most @size bytes with the NUL; a longer text is cut. Returns the length written, without the
 * NUL. */
size_t vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
size_t snprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* To the console, in one console_write(): lines of several threads do not mix. */
void printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
