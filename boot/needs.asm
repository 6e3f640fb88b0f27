; SPDX-License-Identifier: MIT
; needs.asm - before 64-bit mode: does this processor have all that the kernel cannot do without?
;
; What it lacks is told by name on the serial line, whatever state firmware left that in.  The
; list is arch/x86_64/pc/needs.h.  C would be too late: the compiler takes CMOV for granted.

%include "asm-offsets.inc"

%define FLAG_ID			(1 << 21)	; can change: CPUID is there (SDM 1, 3.4.3.3)
%define EXTENDED		0x80000000	; the leaf that says which is the last
%define LSR_TX_EMPTY		0x20
%define TX_POLLS		1000000		; never ready: go on all the same

extern cpu_needs

section .boot.text progbits alloc exec nowrite align=16
bits 32

; Returns when nothing is missing.  Changes all registers but edi and esi.
global check_cpu
check_cpu:			; [cr3=off gs=loader rsp=boot_stack if=0]
	pushfd
	pop	eax
	mov	ecx, eax
.flip_id:
	xor	eax, FLAG_ID
	push	eax
	popfd
	pushfd
	pop	eax
	xor	eax, ecx
	push	dword lacks		; what comes before the next lack's name
	mov	ebp, no_cpuid - NEED_WHAT
	test	eax, FLAG_ID
	jz	.no_cpuid

	mov	ebp, cpu_needs - KERNEL_IMAGE_BASE
.need:				; ebp = struct cpu_need
	call	has_need
	jc	.next
	call	say_lack
.next:
	add	ebp, NEED_SIZE
	cmp	dword [ebp + NEED_LEAF], 0
	jne	.need
	pop	eax
	cmp	eax, lacks
	jne	refuse
	ret
.no_cpuid:
	call	say_lack
refuse:				; [cr3=off gs=loader rsp=boot_stack if=0]
	mov	ebx, exit_line
	call	say
	mov	al, EXIT_PANIC
	out	DEBUG_EXIT_PORT, al
.halt:
	hlt
	jmp	.halt

; Carry: this processor has what struct cpu_need ebp is about.  A leaf beyond the last one answers
; with another's values (SDM vol. 2A, CPUID).  Where there is no extended leaf at all, so does the
; one that says which is the last.
has_need:
	mov	eax, [ebp + NEED_LEAF]
	and	eax, EXTENDED
	cpuid
	mov	ecx, [ebp + NEED_LEAF]
	cmp	eax, ecx
	jb	.no
	xor	eax, ecx
	shr	eax, 16
	jnz	.no
	mov	eax, ecx
	cpuid
	mov	ecx, [ebp + NEED_BIT]
	bt	edx, ecx
	ret
.no:
	clc
	ret

; The name of struct cpu_need ebp, after the word on the caller's stack: a semicolon from now on.
say_lack:
	cmp	dword [esp + 4], lacks
	jne	.say
	call	set_up_uart
.say:
	mov	ebx, [esp + 4]
	mov	dword [esp + 4], semicolon
	call	say
	lea	ebx, [ebp + NEED_WHAT]
say:				; ebx = text up to a 0
	mov	al, [ebx]
	inc	ebx
	test	al, al
	jz	.end
	mov	ah, al
	mov	ecx, TX_POLLS
	mov	dx, UART_COM1 + 5
.wait:
	in	al, dx
	test	al, LSR_TX_EMPTY
	loopz	.wait
	mov	dx, UART_COM1
	mov	al, ah
	out	dx, al
	jmp	say
.end:
	ret

; 115200 8N1, polled, as uart_init() does it.
set_up_uart:
	mov	ebx, uart_registers
.next:
	movzx	edx, byte [ebx]
	mov	al, [ebx + 1]
	add	edx, UART_COM1
	out	dx, al
	add	ebx, 2
	cmp	ebx, uart_registers.end
	jb	.next
	ret

section .boot.rodata progbits alloc noexec nowrite align=8
uart_registers:			; register, value
	db	1, 0, 3, 0x80, 0, 1, 1, 0, 3, 3, 2, 7, 4, 0x0b
.end:
lacks:
	db	13, 10, "PANIC: this processor lacks ", 0
semicolon:
	db	"; ", 0
no_cpuid:
	db	"CPUID: use an x86-64 one", 0
exit_line:
	db	13, 10, "EXIT 18", 13, 10, 0

section .note.GNU-stack noalloc noexec nowrite progbits
