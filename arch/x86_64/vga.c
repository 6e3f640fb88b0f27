/* SPDX-License-Identifier: MIT */
/* vga.c - the 80x25 text screen: a glass teletype. The hardware cursor is left alone. */
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/vga.h"

#define COLUMNS	80
#define ROWS	25
#define CELL(c)	(0x0700 | (uint8_t)(c))		/* light grey on black */

static volatile uint16_t *screen;
static unsigned row, column;

static void clear_row(unsigned r)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		screen[r * COLUMNS + i] = CELL(' ');
}

static void new_line(void)
{
	column = 0;
	if (++row < ROWS)
		return;
	row = ROWS - 1;
	for (unsigned i = 0; i < (ROWS - 1) * COLUMNS; i++)
		screen[i] = screen[i + COLUMNS];
	clear_row(row);
}

static void put(char c)
{
	if (c == '\n') {
		new_line();
	} else if (c == '\r') {
		column = 0;
	} else {
		if (column == COLUMNS)
			new_line();
		screen[row * COLUMNS + column++] = CELL(c);
	}
}

void vga_init(volatile void *buffer)
{
	static bool cleared;

	screen = buffer;
	for (unsigned r = 0; screen && !cleared && r < ROWS; r++)
		clear_row(r);
	cleared |= screen != NULL;
}

void vga_write(const char *buf, size_t len)
{
	for (size_t i = 0; screen && i < len; i++)
		put(buf[i]);
}
