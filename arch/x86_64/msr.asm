; SPDX-License-Identifier: MIT
; msr.asm - MSRs that may not be there: the #GP that tells is an answer.

bits 64
section .text
global rdmsr_safe, wrmsr_safe

; bool rdmsr_safe(uint32_t msr [edi], uint64_t *v [rsi])
rdmsr_safe:
	mov	ecx, edi
.read:	rdmsr
	shl	rdx, 32
	or	rax, rdx
	mov	[rsi], rax
	mov	eax, 1
	ret

; bool wrmsr_safe(uint32_t msr [edi], uint64_t v [rsi])
wrmsr_safe:
	mov	ecx, edi
	mov	eax, esi
	mov	rdx, rsi
	shr	rdx, 32
.write:	wrmsr
	mov	eax, 1
	ret

not_there:
	xor	eax, eax
	ret

; Pairs: an instruction that may fault, and where to continue.
section .ex_table progbits alloc noexec nowrite align=8
	dq	rdmsr_safe.read, not_there
	dq	wrmsr_safe.write, not_there

section .note.GNU-stack noalloc noexec nowrite progbits
