/* SPDX-License-Identifier: MIT */
/*
 * format.h - printf's little brother.
 *
 * %c %s %d %u %x %p %pV %%, with l, ll or z (64-bit), width, precision for %s, * for either,
 * flags 0 and -.  Any context; host too.
 */
#ifndef KERNEL_FORMAT_H
#define KERNEL_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* A format within a format: "%pV" takes the address of one. */
struct format {
	const char *fmt;
	va_list *ap;
};

/* At most @size bytes with the NUL; returns the length that the whole text has. */
int vsnprintk(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
int snprintk(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Text of any length, through a buffer of @size (not 0) bytes that @flush empties. */
void vformat_chunks(char *buf, size_t size, void (*flush)(const char *buf, size_t len),
		    const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));

#endif
