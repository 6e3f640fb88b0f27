; SPDX-License-Identifier: MIT
; ap_start.asm - the way of every CPU but the first, from its SIPI to smp_ap_main().
;
; A SIPI names a page below 1 MiB and starts the CPU there in real mode, with CS at that page.
; ap_blob is what the boot CPU copies to the page.  It goes to long mode in one step, on the boot's
; early tables and descriptors, which still lie where the image was loaded; so everything that it
; needs is known when the kernel is linked, and nothing in the copy has to be patched.

%include "asm-offsets.inc"

extern early_pml4
extern early_gdt
extern early_gdt_pointer
extern early_idt
extern early_idt_pointer
extern smp_ap_main
extern ap_root
extern ap_stack

section .rodata progbits alloc noexec nowrite align=8
global ap_blob
global ap_blob_end
global ap_lacks
bits 16
ap_blob:			; [cr3=off gs=any rsp=none if=0]  cs = this page, ip = 0
	cli
	cld
	; Without one of these the next lines, or the C after them, fault where no fault can be
	; told.
	mov	eax, CPUID_EXTENDED
	cpuid
	not	edx
	and	edx, NEEDS_EXTENDED
	mov	[cs:ap_lacks - ap_blob + LACKS_EXTENDED], edx
	mov	esi, edx
	mov	eax, CPUID_BASIC
	cpuid
	not	edx
	and	edx, NEEDS_BASIC
	mov	[cs:ap_lacks - ap_blob + LACKS_BASIC], edx
	or	edx, esi
	jnz	.stay_out
	o32 lgdt [cs:.gdt_pointer - ap_blob]
	; Outright: CD and NW are set after INIT.
	mov	eax, CR4_PAE
	mov	cr4, eax
	mov	eax, early_pml4
	mov	cr3, eax
	mov	ecx, MSR_EFER
	mov	eax, EARLY_EFER
	xor	edx, edx
	wrmsr
	mov	esp, ap_early_stack_top - KERNEL_IMAGE_BASE
	mov	eax, EARLY_CR0		; PE and PG at once: no protected mode in between
	o32 lidt [cs:.idt_pointer - ap_blob]	; last, for it serves 64-bit code only: early.asm
	mov	cr0, eax
	jmp	dword SEL_KERNEL_CODE:ap_long_mode

.stay_out:
	hlt
	jmp	.stay_out

	align	8, db 0
.gdt_pointer:
	dw	SEL_KERNEL_DATA + 8 - 1	; the last one there
	dd	early_gdt - KERNEL_IMAGE_BASE
	align	8, db 0
.idt_pointer:
	dw	EARLY_IDT_SIZE - 1
	dd	early_idt - KERNEL_IMAGE_BASE
ap_lacks:			; struct cpu_lacks, for the boot CPU
	times	LACKS_SIZE db 0
ap_blob_end:

section .boot.text progbits alloc exec nowrite align=16
bits 64
ap_long_mode:			; [cr3=early gs=any rsp=early if=0]  ss = 0, which IRETQ takes
	mov	rsp, ap_early_stack_top	; at once: upper halves are undefined after 16-bit mode
	mov	rax, ap_high
	jmp	rax

section .text
ap_high:			; [cr3=early gs=any rsp=early if=0]
	mov	rax, early_gdt_pointer	; the identity map goes with the early tables
	lgdt	[rax]
	mov	rax, early_idt_pointer
	lidt	[rax]
	mov	eax, SEL_KERNEL_DATA
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	xor	eax, eax
	mov	fs, eax
	mov	gs, eax
	mov	rax, [rel ap_root]
	mov	cr3, rax
.take_stack:			; [cr3=kernel gs=0 rsp=early if=0]
	; Whoever takes the word owns the stack; one that comes too late finds none, and stays out.
	xor	eax, eax
	xchg	rax, [rel ap_stack]
	test	rax, rax
	jz	.park
	mov	rsp, rax
	xor	ebp, ebp		; a backtrace ends here
	call	smp_ap_main		; [cr3=kernel gs=0 rsp=idle if=0]
	ud2				; smp_ap_main() does not return
.park:				; [cr3=kernel gs=0 rsp=early if=0]
	hlt
	jmp	.park

; Of the CPU that starts, for nothing but an NMI or a fault on the way.  One is enough: the boot
; CPU starts one after the other, and stops by INIT the one that is late.
section .bss nobits alloc noexec write align=4096
	resb	2 * PAGE_SIZE		; a panic's report
ap_early_stack_top:

section .note.GNU-stack noalloc noexec nowrite progbits
