; SPDX-License-Identifier: MIT
; shared_one.asm - what all designs with one table share: the IST entries and the kernel-mode entry.
;
; There is one table: where a note in the macros says cr3=any or cr3=kernel, that one is loaded,
; and no entry writes CR3.  A design's stubs jump here, and its idt entry for a CPU found in kernel
; mode.  Nothing here leads into a design's own text, so this is proved, swept and mutated once, not
; once per design.

%include "frame.inc"
%include "kernelmode.inc"
%include "ist.inc"
ENTRY_TEXT shared_one

KERNEL_ENTRY shared_one_kernel_entry, 0
IST_ENTRY shared_one_nmi, IST_NMI, ist_nmi, 0
IST_ENTRY shared_one_debug, IST_DB, ist_debug, 0
IST_ENTRY shared_one_double_fault, IST_DF, ist_double_fault, 0
IST_ENTRY shared_one_machine_check, IST_MC, ist_machine_check, 0
