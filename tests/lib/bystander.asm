; SPDX-License-Identifier: MIT
; bystander.asm - load every register, do one thing, store every register.

bits 64
default rel

struc STATE				; struct machine_state of bystander.h, checked there
.vec:		resb 16 * 32
.rax:		resq 1
.rbx:		resq 1
.rcx:		resq 1
.rdx:		resq 1
.rsi:		resq 1
.rdi:		resq 1
.rbp:		resq 1
.r8:		resq 1
.r9:		resq 1
.r10:		resq 1
.r11:		resq 1
.r12:		resq 1
.r13:		resq 1
.r14:		resq 1
.r15:		resq 1
.flags:		resq 1
.selectors:	resq 1
.fs_word:	resq 1
endstruc

; For C: the layout as the assembler sees it.
section .rodata align=8
global bystander_layout
bystander_layout:
	dq	STATE.rax, STATE.r15, STATE.flags, STATE.fs_word

section .text

; <move> <register name>: all sixteen from or to the struc at rdi.
%macro LOAD_VECTORS 2
%assign i 0
%rep 16
	%1	%2 %+ i, [rdi + STATE.vec + i * 32]
%assign i i + 1
%endrep
%endmacro

%macro STORE_VECTORS 2
%assign i 0
%rep 16
	%1	[rdi + STATE.vec + i * 32], %2 %+ i
%assign i i + 1
%endrep
%endmacro

; void bystander_round(const struct machine_state *load, struct machine_state *seen,
;                      void (*action)(void), bool avx)
global bystander_round:function
bystander_round:
	push	rbx
	push	rbp
	push	r12
	push	r13
	push	r14
	push	r15
	pushfq
	push	rcx			; [rsp + 16] avx
	push	rsi			; [rsp + 8]  seen
	push	rdx			; [rsp]      action

	test	ecx, ecx
	jz	.load_sse
	LOAD_VECTORS vmovdqa, ymm
	jmp	.load_general
.load_sse:
	LOAD_VECTORS movdqa, xmm

.load_general:
	push	qword [rdi + STATE.flags]
	popfq				; no instruction below changes a flag
	mov	rax, [rdi + STATE.rax]
	mov	rbx, [rdi + STATE.rbx]
	mov	rcx, [rdi + STATE.rcx]
	mov	rdx, [rdi + STATE.rdx]
	mov	rsi, [rdi + STATE.rsi]
	mov	rbp, [rdi + STATE.rbp]
	mov	r8, [rdi + STATE.r8]
	mov	r9, [rdi + STATE.r9]
	mov	r10, [rdi + STATE.r10]
	mov	r11, [rdi + STATE.r11]
	mov	r12, [rdi + STATE.r12]
	mov	r13, [rdi + STATE.r13]
	mov	r14, [rdi + STATE.r14]
	mov	r15, [rdi + STATE.r15]
	mov	rdi, [rdi + STATE.rdi]

	call	[rsp]			; the action

	pushfq				; still none changed by us
	push	rdi
	mov	rdi, [rsp + 3 * 8]	; seen, under rdi, flags and action
	mov	[rdi + STATE.rax], rax
	mov	[rdi + STATE.rbx], rbx
	mov	[rdi + STATE.rcx], rcx
	mov	[rdi + STATE.rdx], rdx
	mov	[rdi + STATE.rsi], rsi
	mov	[rdi + STATE.rbp], rbp
	mov	[rdi + STATE.r8], r8
	mov	[rdi + STATE.r9], r9
	mov	[rdi + STATE.r10], r10
	mov	[rdi + STATE.r11], r11
	mov	[rdi + STATE.r12], r12
	mov	[rdi + STATE.r13], r13
	mov	[rdi + STATE.r14], r14
	mov	[rdi + STATE.r15], r15
	pop	qword [rdi + STATE.rdi]
	pop	qword [rdi + STATE.flags]
	call	read_selectors
	mov	[rdi + STATE.selectors], rax
	mov	rax, [fs:0]
	mov	[rdi + STATE.fs_word], rax

	add	rsp, 2 * 8		; action, seen
	pop	rcx			; avx
	test	ecx, ecx
	jz	.store_sse
	STORE_VECTORS vmovdqa, ymm
	vzeroupper
	jmp	.done
.store_sse:
	STORE_VECTORS movdqa, xmm
.done:
	popfq				; direction flag and the rest as C wants them
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbp
	pop	rbx
	ret

; uint64_t read_selectors(void): changes rax and rdx only.
global read_selectors:function
read_selectors:
	mov	eax, gs
	shl	rax, 16
	mov	edx, fs
	or	rax, rdx
	shl	rax, 16
	mov	edx, es
	or	rax, rdx
	shl	rax, 16
	mov	edx, ds
	or	rax, rdx
	ret

; Actions. Neither changes a register or a flag, except what SYSCALL itself does.
global bystander_spin:function
bystander_spin:				; long enough for a timer tick to land here
	times 4096 nop
	pause			; others get their turn, see smp.h
	ret

global bystander_syscall:function
bystander_syscall:			; rax = number
	syscall
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
