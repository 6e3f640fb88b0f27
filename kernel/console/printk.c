/* SPDX-License-Identifier: MIT */
/* printk.c - the console: everything goes to the serial line, and to the text screen where there is
 * one. */
#include <stdbool.h>
#include "arch/x86_64/uart.h"
#include "arch/x86_64/vga.h"
#include "arch/x86_64/x86.h"
#include "kernel/console/panic.h"
#include "kernel/console/printk.h"
#include "kernel/lib/format.h"
#include "kernel/lib/probe.h"
#include "kernel/lib/string.h"
#include "kernel/sync/spinlock.h"

#define CHUNK 256		/* most lines in one piece, little of a stack */
#define NMI_ATTEMPTS 100000	/* at the lock: some milliseconds, enough for another CPU's short
				 * line */

static struct spinlock console_lock;
static bool in_line;			/* the last byte written was no line feed */

static void write_unlocked(const char *buf, size_t len)
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

	if (locked)
		spin_lock(&console_lock);
	write_unlocked(buf, len);
	if (locked)
		spin_unlock(&console_lock);
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
		write_unlocked("\n", 1);
	write_unlocked(line, strlen(line));
}

void printk(const char *fmt, ...)
{
	char chunk[CHUNK];
	va_list ap;

	if (probe.quiet && !panic_in_progress())
		return;
	va_start(ap, fmt);
	vformat_chunks(chunk, sizeof(chunk), console_write, fmt, ap);
	va_end(ap);
}

void printk_windows(const char *fmt, ...)
{
	char line[CHUNK];
	va_list ap;

	irq_window();
	if (probe.quiet && !panic_in_progress())
		return;
	va_start(ap, fmt);
	vsnprintk(line, sizeof(line), fmt, ap);
	va_end(ap);
	irq_window();
	console_write(line, strlen(line));
	irq_window();
}

/* Serves no mailbox meanwhile, as other waits for a lock do: the interrupted code may be in the
 * middle of that. */
static bool lock_from_nmi(void)
{
	for (unsigned i = 0; i < NMI_ATTEMPTS && !panic_in_progress(); i++) {
		if (spin_trylock(&console_lock))
			return true;
		cpu_pause();
	}
	return false;
}

void printk_nmi(const char *fmt, ...)
{
	char line[CHUNK];
	va_list ap;

	va_start(ap, fmt);
	vsnprintk(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (lock_from_nmi()) {
		if (in_line)
			write_unlocked("\n", 1);
		write_unlocked(line, strlen(line));
		write_unlocked("\n", 1);
		spin_unlock(&console_lock);
		return;
	}
	/* The holder may be in the middle of anything. A 16550 takes bytes at any time; the
	 * screen's place does not. */
	uart_write("\n", 1);
	uart_write(line, strlen(line));
	uart_write("\n", 1);
}
