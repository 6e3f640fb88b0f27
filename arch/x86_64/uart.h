/* SPDX-License-Identifier: MIT */
/* uart.h - the 16550 at COM1. */
#ifndef ARCH_UART_H
#define ARCH_UART_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

struct trapframe;

#define UART_COM1	0x3f8		/* I/O port */
#define UART_ISA_IRQ	4
#define VECTOR_UART (0x20 + 4)		/* VECTOR_IRQ_BASE + ISA IRQ 4 */

/* 115200 8N1, polled; works before paging and interrupts. Where none answers, all here do
 * nothing. */
void uart_init(void);
bool uart_is_set_up(void);		/* uart_init() has been called */
void uart_write(const char *buf, size_t len);	/* LF becomes CR LF; polled */
bool uart_is_there(void);		/* one answers, and its interrupt can be routed */
/* Its interrupt is routed: let it come for each byte. */
void uart_enable_irq(void);
const char *uart_lacks_irq(void);	/* why uart_enable_irq() was not called; NULL: it was */
void uart_irq(struct trapframe *frame);	/* handler: empties the receiver, and counts */
extern uint64_t uart_irq_count;
/* Make the UART raise one transmit-empty interrupt, for the in-kernel test. */
void uart_test_irq(void);

#endif
