/* SPDX-License-Identifier: MIT */
/* uart.c - the 16550 at COM1: polled output, and an interrupt for each received byte, which nobody
 * reads (data sheet: NS PC16550D). */
#include <stdbool.h>
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/uart.h"
#include "arch/x86_64/x86.h"

#define UART_DATA	(UART_COM1 + 0)		/* divisor's low byte while DLAB is set */
#define UART_IER	(UART_COM1 + 1)		/* divisor's high byte while DLAB is set */
#define UART_IIR	(UART_COM1 + 2)		/* read */
#define UART_FCR	(UART_COM1 + 2)		/* write */
#define UART_LCR	(UART_COM1 + 3)
#define UART_MCR	(UART_COM1 + 4)
#define UART_LSR	(UART_COM1 + 5)

#define IER_RX		0x01
#define IER_TX_EMPTY	0x02
#define IER_ALL		0x0f
#define IIR_NONE	0x01
#define IIR_ID		0x0e
#define IIR_TX_EMPTY	0x02
#define FCR_ON_AND_CLEAR 0x07
#define LCR_8N1		0x03
#define LCR_DLAB	0x80
#define MCR_DTR_RTS_OUT2 0x0b			/* OUT2 gates the interrupt line on a PC */
#define LSR_RX_READY	0x01
#define LSR_TX_EMPTY	0x20
#define DIVISOR_115200	1

/* A line that is never ready must not hang a panic. */
#define TX_SPINS	1000000

uint64_t uart_irq_count;

static uint8_t ier;
static bool present, routed, set_up;

/* Registers that read as written, and the four bits of IER that are always 0: an empty bus has
 * neither. */
static bool answers(void)
{
	return inb(UART_LCR) == LCR_8N1 && !(inb(UART_IER) & ~IER_ALL);
}

bool uart_is_set_up(void)
{
	return set_up;
}

void uart_init(void)
{
	outb(UART_IER, 0);
	outb(UART_LCR, LCR_DLAB);
	outb(UART_DATA, DIVISOR_115200);
	outb(UART_IER, 0);
	outb(UART_LCR, LCR_8N1);
	outb(UART_FCR, FCR_ON_AND_CLEAR);
	outb(UART_MCR, MCR_DTR_RTS_OUT2);
	present = answers();
	set_up = true;
}

static void put(uint8_t c)
{
	for (unsigned i = 0; i < TX_SPINS && !(inb(UART_LSR) & LSR_TX_EMPTY); i++)
		cpu_pause();
	outb(UART_DATA, c);
}

void uart_write(const char *buf, size_t len)
{
	for (size_t i = 0; present && i < len; i++) {
		if (buf[i] == '\n')
			put('\r');
		put(buf[i]);
	}
}

bool uart_is_there(void)
{
	return present;
}

void uart_enable_irq(void)
{
	routed = true;
	ier = IER_RX;
	outb(UART_IER, ier);
}

const char *uart_lacks_irq(void)
{
	if (!present)
		return "no UART at COM1";
	return routed ? NULL : "no IOAPIC takes COM1's interrupt";
}

static void drain_receiver(void)
{
	while (inb(UART_LSR) & LSR_RX_READY)
		inb(UART_DATA);
}

/* The line is edge-triggered: every cause must be gone, or no further edge comes. */
void uart_irq(struct trapframe *frame)
{
	uint8_t iir;

	(void)frame;
	lapic_eoi();
	uart_irq_count++;
	while (!((iir = inb(UART_IIR)) & IIR_NONE)) {
		if ((iir & IIR_ID) == IIR_TX_EMPTY) {
			ier &= ~IER_TX_EMPTY;
			outb(UART_IER, ier);
		} else {
			drain_receiver();
		}
	}
}

void uart_test_irq(void)
{
	/* The transmitter is empty, so enabling its interrupt raises it at once; the handler turns
	 * it off. */
	ier |= IER_TX_EMPTY;
	outb(UART_IER, ier);
}
