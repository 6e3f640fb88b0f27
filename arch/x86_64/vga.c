/* SPDX-License-Identifier: MIT */
/* vga.c - the 80x25 text screen: a glass teletype without a cursor. */
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/vga.h"
#include "arch/x86_64/x86.h"

#define COLUMNS	80
#define ROWS	25
#define JUMP	4	/* rows that go at once: what one write needs, with interrupts off */
#define CRTC_INDEX	0x3d4
#define CRTC_DATA	0x3d5
#define CRTC_CURSOR_START 0x0a
#define CURSOR_OFF	0x20
#define CELL(c)	(0x0700 | (uint8_t)(c))		/* light grey on black */

static volatile uint16_t *screen;
static unsigned row, column;

/* Four cells at a time, as in scroll(): interrupts are off for as long as a line takes. */
static void clear_row(unsigned r)
{
	volatile uint16_t *to = screen + r * COLUMNS;
	uint64_t words = COLUMNS / 4, blanks = CELL(' ') * 0x0001000100010001;

	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(blanks) : "memory");
}

/* All rows but the first JUMP move up: a program writes as many lines as it likes. */
static void scroll(void)
{
	volatile uint16_t *to = screen, *from = screen + JUMP * COLUMNS;
	uint64_t words = (ROWS - JUMP) * COLUMNS / 4;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	row -= JUMP;
	for (unsigned r = row; r < ROWS; r++)
		clear_row(r);
}

static void new_line(void)
{
	column = 0;
	if (++row == ROWS)
		scroll();
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
	if (!screen || cleared)
		return;
	for (unsigned r = 0; r < ROWS; r++)
		clear_row(r);
	/* The loader's cursor would blink at its last place for ever. */
	outb(CRTC_INDEX, CRTC_CURSOR_START);
	outb(CRTC_DATA, CURSOR_OFF);
	cleared = true;
}

void vga_write(const char *buf, size_t len)
{
	for (size_t i = 0; screen && i < len; i++)
		put(buf[i]);
}
