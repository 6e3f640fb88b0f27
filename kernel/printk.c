/* SPDX-License-Identifier: MIT */
/* printk.c - the console: everything goes to the serial line, and to the text screen where there is one. */
#include <stdbool.h>
#include "arch/x86_64/uart.h"
#include "arch/x86_64/vga.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/spinlock.h"
#include "kernel/string.h"

#define CHUNK 256		/* most lines in one piece, little of a stack */

static struct spinlock console_lock;
static bool in_line;			/* the last byte written was no line feed */

static void write_all(const char *buf, size_t len)
{
	uart_write(buf, len);
	vga_write(buf, len);
	if (len)
		in_line = buf[len - 1] != '\n';
}

void console_write(const char *buf, size_t len)
{
	/* A panic may have interrupted the lock's holder, and waits for nothing. */
	bool locked = !panic_in_progress();
	uint64_t flags = locked ? spin_lock_irqsave(&console_lock) : 0;

	write_all(buf, len);
	if (locked)
		spin_unlock_irqrestore(&console_lock, flags);
}

void console_fresh_line(void)
{
	if (in_line)
		console_write("\n", 1);
}

void console_last_line(const char *line)
{
	cli();
	if (!panic_in_progress())
		spin_lock(&console_lock);
	if (in_line)
		write_all("\n", 1);
	write_all(line, strlen(line));
}

void printk(const char *fmt, ...)
{
	char chunk[CHUNK];
	va_list ap;

	va_start(ap, fmt);
	vformat_chunks(chunk, sizeof(chunk), console_write, fmt, ap);
	va_end(ap);
}
