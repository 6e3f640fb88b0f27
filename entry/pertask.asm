; SPDX-License-Identifier: MIT
; pertask.asm - the task's own trampoline stack, the flip in its C handler.
;
; Theory.  Chartre's proposal of November 2020.  Every task has a second small stack that its
; process's user root maps, and SYSCALL and RSP0 both land there.  The frame is built in place and
; stays there: an outer C handler (pertask.c) runs on the trampoline, flips CR3 itself, calls the
; inner handler on the kernel stack and flips back.  Nothing is copied, and the task may sleep with
; its frame live on the trampoline, for it is nobody else's.  The price: one more stack per task,
; page-table pages per process to map it, and taking it out again when a thread dies before its
; process.
;
; What it leaves behind: a task's own last frame, all GPRs, seen by the threads of its own process
; only.

%include "frame.inc"
ENTRY_TEXT pertask
extern pertask_syscall, pertask_idt, pertask_first_return

IDT_STUBS pertask, shared_two

pertask_syscall_entry:
.land:		; [cr3=user gs=user rsp=user if=0]
.gs:		; [cr3=user gs=user rsp=user if=0]
	swapgs
.stack:		; [cr3=user gs=kernel rsp=user if=0]
	mov	[gs:PERCPU_SCRATCH], rsp
	mov	rsp, [gs:PERCPU_ENTRY_TOP]
.frame:		; [cr3=user gs=kernel rsp=tramp if=0]
	PUSH_SYSCALL_HEAD
	PUSH_GPRS
.flip_in:	; in pertask_syscall(), C
.copy_in:	; not needed: the frame stays on the trampoline
.dispatch:	; [cr3=user gs=kernel rsp=tramp if=0]
	mov	rdi, rsp
	call	pertask_syscall
	mov	[rsp + TF_RAX], rax
.work:		; in pertask_syscall(), C
.copy_out:	; not needed
.flip_out:	; in pertask_syscall(), C
.check:		; [cr3=user gs=kernel rsp=tramp if=0]
	SYSRET_CHECK pertask_idt_entry.restore
.restore:	; [cr3=user gs=kernel rsp=tramp if=0]
	POP_GPRS_FOR_SYSRET
	mov	rsp, [rsp + TF_RSP - TF_VECTOR]
.leave:		; [cr3=user gs=kernel rsp=user if=0]
	swapgs
	o64 sysret

pertask_idt_entry:
.land:		; [cr3=any gs=any rsp=any if=0], from user mode [cr3=user gs=user rsp=tramp if=0]
	cld
	test	byte [rsp + HEAD_CS], 3
	jz	shared_two_kernel_entry
.gs:		; [cr3=user gs=user rsp=tramp if=0]
	swapgs			; pertask_idt()'s CR3 write serialises it; until then only pushes
.stack:		; not needed: RSP0 is the trampoline
.frame:		; [cr3=user gs=kernel rsp=tramp if=0]
	PUSH_GPRS
.flip_in:	; in pertask_idt(), C
.copy_in:	; not needed: the frame stays on the trampoline
.dispatch:	; [cr3=user gs=kernel rsp=tramp if=0]
	mov	rdi, rsp
	call	pertask_idt
.work:		; in pertask_idt(), C
.copy_out:	; not needed
.flip_out:	; in pertask_idt(), C
.restore:	; [cr3=user gs=kernel rsp=tramp if=0]
	POP_GPRS
	add	rsp, TF_RIP - TF_VECTOR
.leave:		; [cr3=user gs=kernel rsp=tramp if=0]
	swapgs
.iret:		; [cr3=user gs=user rsp=tramp if=0]
	iretq

; A thread's first way out: rdi = its frame, trampoline. [cr3=kernel gs=kernel rsp=kernel if=0]
pertask_user_return:
	mov	rsp, rdi
	call	pertask_first_return
	jmp	pertask_idt_entry.restore
