; SPDX-License-Identifier: MIT
; start.asm - from the loader's 32-bit mode to kmain() in long mode.
;
; Both ways in come with flat segments, paging off and interrupts off:
;   multiboot2_start  eax = MULTIBOOT2_MAGIC   ebx = boot information
;   pvh_start         eax undefined            ebx = struct hvm_start_info
; Section .boot is linked where it is loaded (1 MiB), so labels here are
; physical addresses; the kernel proper is linked at KERNEL_IMAGE_BASE.

%include "asm-offsets.inc"

extern kmain
extern early_pml4
extern check_cpu
extern early_stubs
extern early_idt
extern early_idt_pointer

section .boot.text progbits alloc exec nowrite align=16
bits 32

global pvh_start
pvh_start:			; [cr3=off gs=loader rsp=loader if=0]
	mov	eax, PVH_MAGIC

global multiboot2_start
multiboot2_start:		; [cr3=off gs=loader rsp=loader if=0]
	cli
	cld
	mov	edi, eax		; kmain's arguments, where CPUID leaves them alone
	mov	esi, ebx
	mov	esp, boot_stack_top - KERNEL_IMAGE_BASE
	call	check_cpu		; [cr3=off gs=loader rsp=boot_stack if=0]

.build_idt:			; [cr3=off gs=loader rsp=boot_stack if=0]
	mov	edx, early_stubs - KERNEL_IMAGE_BASE + (KERNEL_IMAGE_BASE & 0xffffffff)
	mov	ebx, early_idt - KERNEL_IMAGE_BASE
	mov	ecx, VECTOR_EXCEPTIONS
.gate:
	mov	eax, edx
	mov	[ebx], ax
	mov	word [ebx + 2], SEL_KERNEL_CODE
	mov	ax, GATE_INTERRUPT << 8
	mov	[ebx + 4], eax
	mov	dword [ebx + 8], KERNEL_IMAGE_BASE >> 32
	add	edx, EARLY_STUB_SIZE
	add	ebx, EARLY_IDT_SIZE / VECTOR_EXCEPTIONS
	loop	.gate

.load_descriptors:		; [cr3=off gs=loader rsp=boot_stack if=0]
	; Selectors before long mode: from the first 64-bit instruction on an NMI's
	; IRETQ reloads them.
	lgdt	[gdt_pointer_low]
	mov	eax, SEL_KERNEL_DATA
	mov	ds, eax
	mov	es, eax
	mov	ss, eax

.enable_paging:			; [cr3=off gs=loader rsp=boot_stack if=0]
	; Control registers are written outright: UEFI leaves bits set.
	mov	eax, CR4_PAE
	mov	cr4, eax
	mov	eax, early_pml4
	mov	cr3, eax
	mov	ecx, MSR_EFER
	mov	eax, EARLY_EFER
	xor	edx, edx
	wrmsr
	mov	eax, EARLY_CR0
	lidt	[idt_pointer_low]	; last, for it serves 64-bit code only: early.asm
	mov	cr0, eax
	jmp	SEL_KERNEL_CODE:.long_mode

bits 64
.long_mode:			; [cr3=early gs=loader rsp=boot_stack if=0]
	mov	rsp, boot_stack_top	; at once: upper halves are undefined after 32-bit mode
	xor	eax, eax
	mov	fs, eax
	mov	gs, eax
	mov	edi, edi
	mov	esi, esi
	xor	ebp, ebp		; a backtrace ends here

.leave_identity:		; [cr3=early gs=0 rsp=boot_stack if=0]
	; From here on nothing may depend on the identity map, which goes with
	; the early tables: not the stack, not the descriptor tables.
	mov	rax, early_gdt_pointer
	lgdt	[rax]
	mov	rax, early_idt_pointer
	lidt	[rax]
	mov	rax, kmain
	call	rax			; [cr3=early gs=0 rsp=boot_stack if=0]
	ud2				; kmain() does not return

section .boot.rodata progbits alloc noexec nowrite align=8
gdt_pointer_low:
	dw	early_gdt.end - early_gdt - 1
	dd	early_gdt - KERNEL_IMAGE_BASE
	align	8, db 0
idt_pointer_low:
	dw	EARLY_IDT_SIZE - 1
	dd	early_idt - KERNEL_IMAGE_BASE

section .rodata progbits alloc noexec nowrite align=8
; Accessed bits preset: the table is read-only, and loading a descriptor
; without one writes it.  Replaced by cpu_load().
global early_gdt
global early_gdt_pointer
early_gdt:
	dq	0
	dq	0x00af9b000000ffff	; SEL_KERNEL_CODE: 64-bit, DPL 0
	dq	0x00cf93000000ffff	; SEL_KERNEL_DATA, the last one
.end:
early_gdt_pointer:
	dw	early_gdt.end - early_gdt - 1
	dq	early_gdt

section .bss nobits alloc noexec write align=4096
global boot_stack
global boot_stack_top
boot_stack:			; of kmain(), later of CPU 0's idle thread
	resb	4 * PAGE_SIZE
boot_stack_top:

section .note.GNU-stack noalloc noexec nowrite progbits
