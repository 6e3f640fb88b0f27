; SPDX-License-Identifier: MIT
; usercopy.asm - the loop that touches user memory, and where to go when it faults.
;
; String moves, because a fault in one leaves RSI, RDI and RCX where it stopped: when the page is
; brought in the instruction simply goes on, and when not, the fixup has nothing to undo.

section .text
global usercopy, usercopy_end

; uint64_t usercopy(void *dst [rdi], const void *src [rsi], size_t n [rdx]) -> 0, or 1 after a fault
usercopy:
	mov	rcx, rdx
	shr	rcx, 3
.words:	rep movsq
	mov	ecx, edx
	and	ecx, 7
.tail:	rep movsb
	xor	eax, eax
	ret
.fault:	mov	eax, 1
	ret
usercopy_end:

; Pairs: an instruction that may fault, and where to continue.
section .ex_table progbits alloc noexec nowrite align=8
	dq	usercopy.words, usercopy.fault
	dq	usercopy.tail, usercopy.fault

section .note.GNU-stack noalloc noexec nowrite progbits
