/* SPDX-License-Identifier: MIT */
/* printk.c - the console: everything goes to the serial line, and to the text screen where there is one. */
#include <stdbool.h>
#include "arch/x86_64/uart.h"
#include "arch/x86_64/vga.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/spinlock.h"

#define LINE_MAX 512

static struct spinlock console_lock;

void console_write(const char *buf, size_t len)
{
	/* A panic may have interrupted the lock's holder, and waits for nothing. */
	bool locked = !panic_in_progress();
	uint64_t flags = locked ? spin_lock_irqsave(&console_lock) : 0;

	uart_write(buf, len);
	vga_write(buf, len);
	if (locked)
		spin_unlock_irqrestore(&console_lock, flags);
}

void printk(const char *fmt, ...)
{
	char line[LINE_MAX];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintk(line, sizeof(line), fmt, ap);
	va_end(ap);
	console_write(line, len < LINE_MAX ? len : LINE_MAX - 1);
}
