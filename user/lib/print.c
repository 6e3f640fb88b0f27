/* SPDX-License-Identifier: MIT */
/* print.c - a small printf. */
#include <stdbool.h>
#include <stdint.h>
#include "print.h"
#include "user.h"

struct out {
	char *buf;
	size_t size, n;
};

struct spec {			/* what stands between % and the letter */
	unsigned width;
	char pad;
	bool is_long;
};

static void put(struct out *o, char c)
{
	if (o->n + 1 < o->size)
		o->buf[o->n++] = c;
}

static void put_number(struct out *o, const struct spec *s, uint64_t v, unsigned base,
		       bool negative)
{
	char digits[24];
	unsigned n = 0;

	do
		digits[n++] = "0123456789abcdef"[v % base];
	while (v /= base);
	if (negative && s->pad == '0')
		put(o, '-');
	for (unsigned w = n + negative; w < s->width; w++)
		put(o, s->pad);
	if (negative && s->pad != '0')
		put(o, '-');
	while (n)
		put(o, digits[--n]);
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	unsigned n = 0;

	for (; *text; text++, n++)
		put(o, *text);
	for (; n < s->width; n++)	/* strings are columns of tables: flush left */
		put(o, ' ');
}

static const char *parse_spec(const char *fmt, struct spec *s)
{
	*s = (struct spec){ .pad = ' ' };
	if (*fmt == '0')
		s->pad = *fmt++;
	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		s->width = s->width * 10 + (unsigned)(*fmt - '0');
	for (; *fmt == 'l' || *fmt == 'z'; fmt++)
		s->is_long = true;
	return fmt;
}

size_t vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, size, 0 };
	struct spec s;
	long v;

	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &s);
		switch (*fmt) {
		case 'd':
			v = s.is_long ? va_arg(ap, long) : va_arg(ap, int);
			put_number(&o, &s, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0);
			break;
		case 'u':
		case 'x':
			put_number(&o, &s,
				   s.is_long ? va_arg(ap, unsigned long) : va_arg(ap, unsigned),
				   *fmt == 'u' ? 10 : 16, false);
			break;
		case 'p':
			put_string(&o, &(struct spec){ 0 }, "0x");
			put_number(&o, &s, va_arg(ap, uintptr_t), 16, false);
			break;
		case 's':
			put_string(&o, &s, va_arg(ap, const char *));
			break;
		case 'c':
			put(&o, (char)va_arg(ap, int));
			break;
		case '\0':
			fmt--;
			break;
		default:	/* %% and whatever nobody defined */
			put(&o, *fmt);
		}
	}
	if (size)
		buf[o.n] = '\0';
	return o.n;
}

size_t snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	size_t n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

void printf(const char *fmt, ...)
{
	char line[PRINT_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	size_t n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* Stopped and resumed meanwhile: the rest is still to be written. */
	for (size_t done = 0; done < n;) {
		long written = sys_console_write((uintptr_t)line + done, n - done);

		if (written <= 0)
			return;
		done += (size_t)written;
	}
}
