; SPDX-License-Identifier: MIT
; tables.asm - the early page tables, complete at assembly time.
;
; The first 4 GiB appear at their own addresses, and the first of them again at
; KERNEL_IMAGE_BASE, all writable and executable.  kspace_init() replaces them;
; until then they must reach whatever the loader left below 4 GiB.

%include "asm-offsets.inc"

%define TABLE	(PTE_P | PTE_W)
%define LARGE	(PTE_P | PTE_W | PTE_PS)
%define GIBS	4
%define SLOT(va, level)	(((va) >> (12 + 9 * ((level) - 1))) & 511)

section .boot.tables progbits alloc noexec write align=4096
global early_pml4
early_pml4:
	dq	pdpt_low + TABLE
	times	SLOT(KERNEL_IMAGE_BASE, 4) - 1 dq 0
	dq	pdpt_high + TABLE

	align	PAGE_SIZE, db 0
pdpt_low:
%assign i 0
%rep GIBS
	dq	page_directories + i * PAGE_SIZE + TABLE
%assign i i + 1
%endrep
	times	512 - GIBS dq 0

pdpt_high:
	times	SLOT(KERNEL_IMAGE_BASE, 3) dq 0
	dq	page_directories + TABLE
	dq	0

page_directories:
%assign i 0
%rep GIBS * 512
	dq	(i << 21) | LARGE
%assign i i + 1
%endrep

section .note.GNU-stack noalloc noexec nowrite progbits
