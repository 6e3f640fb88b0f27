; SPDX-License-Identifier: MIT
; idle.asm - stop until an interrupt comes.

bits 64
section .text
global idle_wait, idle_halt, idle_halted

; void idle_wait(void)   [cr3=kernel gs=kernel rsp=kernel if=0]
; STI holds interrupts back until the HLT is done, so one that was pending ends it.  NMI, #DB and
; #MC may come in between all the same; after them the pending one would be taken before the HLT,
; and nothing would end that.  So they go on after it: kernel/trap/ist.c.  SDM vol. 2, STI.
idle_wait:
	sti
idle_halt:
	hlt
idle_halted:
	cli
	ret
