; SPDX-License-Identifier: MIT
; shared_two.asm - what all designs that split the table share: IST entries and kernel-mode entry.
;
; Either half of the pair may be loaded, and any GS base: an entry loads the kernel's half where it
; needs it, and puts back what it found, CR3 verbatim.  A design's stubs jump here, and its idt
; entry for a CPU found in kernel mode.  Nothing here leads into a design's own text, so this is
; proved, swept and mutated once, not once per design.

%include "frame.inc"
%include "kernelmode.inc"
%include "ist.inc"
ENTRY_TEXT shared_two

KERNEL_ENTRY shared_two_kernel_entry, 1
IST_ENTRY shared_two_nmi, IST_NMI, ist_nmi, 1
IST_ENTRY shared_two_debug, IST_DB, ist_debug, 1
IST_ENTRY shared_two_double_fault, IST_DF, ist_double_fault, 1
IST_ENTRY shared_two_machine_check, IST_MC, ist_machine_check, 1
