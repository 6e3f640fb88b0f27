; SPDX-License-Identifier: MIT
; header.asm - what boot loaders look for in the image: the multiboot2 header and the PVH note.
;
; One ELF file serves both.  GRUB (BIOS and UEFI alike) finds the header in the
; first 32 KiB; QEMU's -kernel finds the note.  Either enters in 32-bit mode.

%define HEADER_MAGIC		0xe85250d6
%define ARCH_I386		0	; 32-bit protected mode on entry
%define TAG_END			0
%define TAG_INFO_REQUEST	1
%define TAG_ENTRY_ADDRESS	3
%define TAG_CONSOLE_FLAGS	4
%define TAG_MODULE_ALIGN	6
%define OPTIONAL		1
%define INFO_CMDLINE		1
%define INFO_MODULE		3
%define INFO_MMAP		6
%define INFO_FRAMEBUFFER	8
%define INFO_ACPI_OLD		14
%define INFO_ACPI_NEW		15
%define CONSOLE_EGA_TEXT	2	; understood, not required: UEFI has none

extern multiboot2_start
extern pvh_start

section .multiboot2 progbits alloc noexec nowrite align=8
header:
	dd	HEADER_MAGIC, ARCH_I386, .end - header
	dd	-(HEADER_MAGIC + ARCH_I386 + (.end - header)) & 0xffffffff

.required:				; no sensible boot without these
	dw	TAG_INFO_REQUEST, 0
	dd	.optional - .required
	dd	INFO_CMDLINE, INFO_MODULE, INFO_MMAP
	align	8, db 0
.optional:				; used where there
	dw	TAG_INFO_REQUEST, OPTIONAL
	dd	.optional_end - .optional
	dd	INFO_FRAMEBUFFER, INFO_ACPI_OLD, INFO_ACPI_NEW
.optional_end:
	align	8, db 0
	; The ELF header's entry belongs to PVH.
	dw	TAG_ENTRY_ADDRESS, 0
	dd	12
	dd	multiboot2_start
	align	8, db 0
	; No framebuffer tag: on BIOS that gives text mode, on UEFI no screen at all.
	dw	TAG_CONSOLE_FLAGS, OPTIONAL
	dd	12
	dd	CONSOLE_EGA_TEXT
	align	8, db 0
	dw	TAG_MODULE_ALIGN, 0	; the boot archive on a page of its own
	dd	8
	dw	TAG_END, 0
	dd	8
.end:

%define XEN_ELFNOTE_PHYS32_ENTRY 18

section .note.pvh note alloc noexec nowrite align=4
	dd	.name_end - .name
	dd	.entry_end - .entry
	dd	XEN_ELFNOTE_PHYS32_ENTRY
.name:
	db	"Xen", 0
.name_end:
.entry:
	dd	pvh_start
.entry_end:

section .note.GNU-stack noalloc noexec nowrite progbits
