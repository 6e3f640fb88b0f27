; SPDX-License-Identifier: MIT
; early.asm - NMIs and exceptions of a CPU that has no descriptors of its own yet: from its first
; 64-bit instruction to cpu_load().
;
; Such a CPU has no TSS, so every gate pushes onto the stack that is in use; the boot code sees to
; it that this is one of ours from the first 64-bit instruction on.  Nothing is known of GS, and
; nothing here needs it; CR3 may be the early table or the kernel's, and both show the image at
; its place.  Interrupts are off: 32 gates are all.
;
; What no table can cover: an NMI in the few instructions between LIDT and the far jump to 64-bit
; code, for until CR0.PG is set the processor reads this table as one of another kind, and after
; it an IRETQ would look for the loader's code segment.  Before LIDT an NMI goes where the loader,
; or a BIOS's vector table, sends it. Software has no way to mask NMIs from here (a chipset's port
; 0x70 is its firmware's).

%include "frame.inc"

extern early_exception

section .text
global early_stubs
align 16
early_stubs:
%assign v 0
%rep VECTOR_EXCEPTIONS
align EARLY_STUB_SIZE, int3
%if !HAS_ERROR_CODE(v)
	push	0
%endif
	push	v
	jmp	early_entry
%assign v v + 1
%endrep

early_entry:			; [cr3=any gs=any rsp=any if=0]
	cld
	PUSH_GPRS
	; At the first 64-bit instruction RSP is the stack's physical address, and a report
	; changes the table.
	test	rsp, rsp
	js	.frame
	mov	rax, KERNEL_IMAGE_BASE
	add	rsp, rax
.frame:				; [cr3=any gs=any rsp=any if=0]
	mov	rdi, rsp
	mov	rsi, cr3
	call	early_exception
	POP_GPRS
	add	rsp, TF_RIP - TF_VECTOR
	iretq

section .rodata progbits alloc noexec nowrite align=8
global early_idt_pointer
early_idt_pointer:
	dw	EARLY_IDT_SIZE - 1
	dq	early_idt

; Filled by the boot CPU's 32-bit code (start.asm), and used by the others when they start.
section .bss nobits alloc noexec write align=4096
global early_idt
early_idt:
	resb	EARLY_IDT_SIZE

section .note.GNU-stack noalloc noexec nowrite progbits
