; SPDX-License-Identifier: MIT
; switch.asm - changing from one kernel stack to another: the whole of a context switch that C
; cannot say.

bits 64
section .text
global switch_stacks, thread_entry, switch_prepare, run_on_stack
extern thread_start

; void switch_stacks(uint64_t *save, uint64_t load)   [cr3=kernel gs=kernel rsp=kernel if=0]
switch_stacks:
	push	rbp
	push	rbx
	push	r12
	push	r13
	push	r14
	push	r15
	mov	[rdi], rsp
	mov	rsp, rsi
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbx
	pop	rbp
	ret

; uint64_t switch_prepare(uint64_t stack_top): six zero registers below the return address.
switch_prepare:
	lea	rax, [rel thread_entry]
	mov	[rdi - 8], rax
	lea	rax, [rdi - 8 - 6 * 8]
	xor	ecx, ecx
%assign i 0
%rep 6
	mov	[rax + i], rcx
%assign i i + 8
%endrep
	ret

; First instruction of a new thread; rbp is 0, which ends backtraces.
thread_entry:
	call	thread_start
	ud2

; void run_on_stack(uint64_t stack_top, void (*fn)(void))
run_on_stack:
	mov	rsp, rdi
	xor	ebp, ebp
	call	rsi
	ud2

section .note.GNU-stack noalloc noexec nowrite progbits
