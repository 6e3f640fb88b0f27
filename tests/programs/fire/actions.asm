; SPDX-License-Identifier: MIT
; actions.asm - instructions that enter the kernel and change no register.

bits 64
default rel
section .text

global fire_ud2:function
fire_ud2:				; BENCH_SKIP_UD steps over it
	ud2
	ret

; #GP with an error code, for the gate is not for programs; FIRE_DO_SKIP_GP steps over it.
global fire_gp:function
fire_gp:
	int	0x21
	ret

global fire_touch:function
fire_touch:				; rdi: a page that is not there yet
	mov	[rdi], rdi
	ret

global fire_nop:function
fire_nop:				; for a breakpoint
	nop
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
