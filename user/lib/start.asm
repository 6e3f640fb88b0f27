; SPDX-License-Identifier: MIT
; start.asm - the first instruction of every program: rdi = argument string, rsi = its length.

extern start_main

section .text

global _start:function
_start:
	xor	ebp, ebp		; a backtrace ends here
	and	rsp, -16		; the C ABI wants it so before a call
	call	start_main
	ud2				; start_main does not return

section .note.GNU-stack noalloc noexec nowrite progbits
