; SPDX-License-Identifier: MIT
; direct.asm - no isolation: one table, SYSCALL and interrupts land on the kernel stack.
;
; Theory.  This is the kernel as it was before Meltdown, and the yardstick: whatever another design
; costs more than this is the price of its isolation.  User mode runs on the table that maps the
; whole kernel, so there is no flip, no vestibule and no copying.  RSP0 is the thread's kernel
; stack. SMEP alone keeps the kernel from running user text; a missed step here exposes nothing new.

%include "frame.inc"
ENTRY_TEXT direct

IDT_STUBS direct, shared_one

direct_syscall_entry:
.land:		; [cr3=kernel gs=user rsp=user if=0]
.gs:		; [cr3=kernel gs=user rsp=user if=0]
	swapgs
.flip_in:	; not needed: one table
.stack:		; [cr3=kernel gs=kernel rsp=user if=0]
	mov	[gs:PERCPU_SCRATCH], rsp
	mov	rsp, [gs:PERCPU_KSTACK_TOP]
.frame:		; [cr3=kernel gs=kernel rsp=kernel if=0]
	PUSH_SYSCALL_HEAD
	PUSH_GPRS
.copy_in:	; not needed: the frame is where the handler runs
.dispatch:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	mov	rdi, rsp
	call	syscall_dispatch
	mov	[rsp + TF_RAX], rax
.work:		; [cr3=kernel gs=kernel rsp=kernel if=0]
	cmp	dword [gs:PERCPU_WORK], 0
	jne	.do_work
.check:		; [cr3=kernel gs=kernel rsp=kernel if=0]
	SYSRET_CHECK direct_idt_entry.restore
.copy_out:	; not needed
.restore:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	POP_GPRS_FOR_SYSRET
	mov	rsp, [rsp + TF_RSP - TF_VECTOR]
.flip_out:	; not needed
.leave:		; [cr3=kernel gs=kernel rsp=user if=0]
	swapgs
	o64 sysret
.do_work:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	call	exit_work
	jmp	.check

direct_idt_entry:
.land:	; [cr3=kernel gs=any rsp=any if=0], from user mode [cr3=kernel gs=user rsp=kernel if=0]
	cld
	test	byte [rsp + HEAD_CS], 3
	jz	shared_one_kernel_entry
.gs:		; [cr3=kernel gs=user rsp=kernel if=0]
	swapgs
	lfence				; no CR3 write follows to serialise the SWAPGS
.flip_in:	; not needed: one table
.stack:		; not needed: RSP0 is the kernel stack
.frame:		; [cr3=kernel gs=kernel rsp=kernel if=0]
	PUSH_GPRS
.copy_in:	; not needed
.dispatch:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	mov	rdi, rsp
	call	idt_dispatch
.work:		; [cr3=kernel gs=kernel rsp=kernel if=0]
	cmp	dword [gs:PERCPU_WORK], 0
	jne	.do_work
.copy_out:	; not needed
.restore:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	POP_GPRS
	add	rsp, TF_RIP - TF_VECTOR
.flip_out:	; not needed
.leave:		; [cr3=kernel gs=kernel rsp=kernel if=0]
	swapgs
.iret:		; [cr3=kernel gs=user rsp=kernel if=0]
	iretq
.do_work:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	call	exit_work
	jmp	.restore

; A thread's first way out: rdi = its frame, kernel stack. [cr3=kernel gs=kernel rsp=kernel if=0]
direct_user_return:
	mov	rsp, rdi
	jmp	direct_idt_entry.restore
