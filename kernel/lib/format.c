/* SPDX-License-Identifier: MIT */
/* format.c - printf's little brother: text into a buffer, never past it. Runs on the host too. */
#include <stdbool.h>
#include <stdint.h>
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"

struct out {
	char *buf;
	size_t size, used;
	size_t len;			/* of the whole text, what did not fit included */
	void (*flush)(const char *buf, size_t len);	/* takes a full buffer; NULL: the rest is
							 * cut off */
};

struct spec {
	bool left, zero, is_long, precise;
	int width, precision;
};

static void put(struct out *o, char c)
{
	if (o->flush && o->used == o->size) {
		o->flush(o->buf, o->used);
		o->used = 0;
	}
	if (o->used < o->size)
		o->buf[o->used++] = c;
	o->len++;
}

static void put_padded(struct out *o, const char *s, size_t len, const struct spec *sp)
{
	size_t width = sp->width > 0 ? (size_t)sp->width : 0;
	size_t pad = width > len ? width - len : 0;

	for (size_t i = 0; !sp->left && i < pad; i++)
		put(o, ' ');
	for (size_t i = 0; i < len; i++)
		put(o, s[i]);
	for (size_t i = 0; sp->left && i < pad; i++)
		put(o, ' ');
}

static void put_number(struct out *o, uint64_t v, unsigned base, const char *prefix,
		       const struct spec *sp)
{
	char digits[80];		/* 20 digits, or as many zeros as asked for, and a prefix */
	char *end = digits + sizeof(digits), *p = end;
	size_t prefix_len = strlen(prefix);
	size_t zeros = sp->zero && !sp->left && sp->width > 0 ? (size_t)sp->width : 0;

	if (zeros > sizeof(digits) - 8)
		zeros = sizeof(digits) - 8;
	do {
		*--p = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while ((size_t)(end - p) + prefix_len < zeros)
		*--p = '0';
	while (prefix_len)
		*--p = prefix[--prefix_len];
	put_padded(o, p, end - p, sp);
}

static void put_string(struct out *o, const char *s, const struct spec *sp)
{
	size_t len = 0;

	if (!s)
		s = "(null)";
	while ((!sp->precise || len < (size_t)sp->precision) && s[len])
		len++;
	put_padded(o, s, len, sp);
}

static const char *parse_number(const char *f, int *value)
{
	for (*value = 0; *f >= '0' && *f <= '9' && *value < 1000; f++)
		*value = *value * 10 + (*f - '0');
	return f;
}

/* va_list travels by pointer: an array type cannot be passed on by value and be read from again. */
struct args {
	va_list ap;
};

static const char *parse_spec(const char *f, struct spec *sp, struct args *args)
{
	*sp = (struct spec){ 0 };
	for (; *f == '-' || *f == '0'; f++)
		*(*f == '-' ? &sp->left : &sp->zero) = true;
	if (*f == '*') {
		sp->width = va_arg(args->ap, int);
		f++;
	} else {
		f = parse_number(f, &sp->width);
	}
	if (*f == '.') {
		sp->precise = true;
		if (*++f == '*') {
			sp->precision = va_arg(args->ap, int);
			f++;
		} else {
			f = parse_number(f, &sp->precision);
		}
	}
	for (; *f == 'l' || *f == 'z'; f++)
		sp->is_long = true;
	return f;
}

static void put_argument(struct out *o, char kind, const struct spec *sp, struct args *args)
{
	char c;
	int64_t d;

	switch (kind) {
	case 'c':
		c = va_arg(args->ap, int);
		put_padded(o, &c, 1, sp);
		break;
	case 's':
		put_string(o, va_arg(args->ap, const char *), sp);
		break;
	case 'd':
		d = sp->is_long ? va_arg(args->ap, int64_t) : va_arg(args->ap, int);
		put_number(o, d < 0 ? -(uint64_t)d : (uint64_t)d, 10, d < 0 ? "-" : "", sp);
		break;
	case 'u':
	case 'x':
		put_number(o, sp->is_long ? va_arg(args->ap, uint64_t) : va_arg(args->ap, unsigned),
			   kind == 'u' ? 10 : 16, "", sp);
		break;
	case 'p':
		put_number(o, (uintptr_t)va_arg(args->ap, void *), 16, "0x", sp);
		break;
	case '%':
		put(o, '%');
		break;
	default:			/* nothing was consumed: show it, the caller is wrong */
		put(o, '%');
		put(o, kind);
	}
}

static void format(struct out *o, const char *fmt, va_list ap)
{
	const struct format *inner;
	struct args args;
	struct spec sp;

	va_copy(args.ap, ap);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(o, *fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &sp, &args);
		if (!*fmt)
			break;
		if (fmt[0] == 'p' && fmt[1] == 'V') {
			inner = va_arg(args.ap, const struct format *);
			format(o, inner->fmt, *inner->ap);
			fmt++;
		} else {
			put_argument(o, *fmt, &sp, &args);
		}
	}
	va_end(args.ap);
}

void vformat_chunks(char *buf, size_t size, void (*flush)(const char *buf, size_t len),
		    const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = size, .flush = flush };

	format(&o, fmt, ap);
	flush(buf, o.used);
}

int vsnprintk(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = size ? size - 1 : 0 };

	format(&o, fmt, ap);
	if (size)
		buf[o.used] = '\0';
	return o.len;
}

int snprintk(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintk(buf, size, fmt, ap);
	va_end(ap);
	return len;
}
