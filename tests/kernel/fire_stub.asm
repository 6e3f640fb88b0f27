; SPDX-License-Identifier: MIT
; fire_stub.asm - go to a stub with the frame that the CPU pushes, and every register loaded.

bits 64
default rel
%include "asm-offsets.inc"

section .bss
resume_rsp:	resq 1
target:		resq 1

section .text

; void fire_enter_stub(const void *stub, uint64_t top, uint64_t has_error, const uint64_t *load,
; uint64_t *seen)
; [cr3=kernel gs=kernel rsp=kernel if=0]
global fire_enter_stub:function
global fire_stub_back
fire_enter_stub:
	push	rbx
	push	rbp
	push	r12
	push	r13
	push	r14
	push	r15
	push	r8			; seen
	mov	[resume_rsp], rsp
	mov	[target], rdi
	mov	rax, rsp
	test	rsi, rsi
	cmovnz	rax, rsi
	and	rax, -16
	mov	r9, rsp
	mov	rsp, rax
	push	SEL_KERNEL_DATA
	push	r9
	pushfq
	push	SEL_KERNEL_CODE
	lea	rax, [fire_stub_back]
	push	rax
	test	edx, edx
	jz	.load
	push	0
.load:
	mov	rax, rcx
	mov	rbx, [rax + 1 * 8]
	mov	rcx, [rax + 2 * 8]
	mov	rdx, [rax + 3 * 8]
	mov	rsi, [rax + 4 * 8]
	mov	rdi, [rax + 5 * 8]
	mov	rbp, [rax + 6 * 8]
	mov	r8, [rax + 7 * 8]
	mov	r9, [rax + 8 * 8]
	mov	r10, [rax + 9 * 8]
	mov	r11, [rax + 10 * 8]
	mov	r12, [rax + 11 * 8]
	mov	r13, [rax + 12 * 8]
	mov	r14, [rax + 13 * 8]
	mov	r15, [rax + 14 * 8]
	mov	rax, [rax]
	jmp	[target]
fire_stub_back:
	cmp	rsp, [resume_rsp]
	jne	.astray
	push	rax
	mov	rax, [rsp + 8]		; seen
	pop	qword [rax]
	mov	[rax + 1 * 8], rbx
	mov	[rax + 2 * 8], rcx
	mov	[rax + 3 * 8], rdx
	mov	[rax + 4 * 8], rsi
	mov	[rax + 5 * 8], rdi
	mov	[rax + 6 * 8], rbp
	mov	[rax + 7 * 8], r8
	mov	[rax + 8 * 8], r9
	mov	[rax + 9 * 8], r10
	mov	[rax + 10 * 8], r11
	mov	[rax + 11 * 8], r12
	mov	[rax + 12 * 8], r13
	mov	[rax + 13 * 8], r14
	mov	[rax + 14 * 8], r15
	pop	r8
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbp
	pop	rbx
	ret
.astray:
	ud2				; the stack pointer did not come back

section .note.GNU-stack noalloc noexec nowrite progbits
