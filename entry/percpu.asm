; SPDX-License-Identifier: MIT
; percpu.asm - the per-CPU entry stack with the flip in assembly, at once.
;
; Theory.  Linux's answer since 4.15, in its leanest form.  A user root maps one small stack per
; CPU; interrupts land there because RSP0 says so, SYSCALL needs no stack at all until CR3 is
; changed. The flip is the first thing that happens.  Then the 7-word head that the CPU left on the
; entry stack is moved to the thread's kernel stack and the GPRs are pushed straight behind it.  On
; the way out SYSRET needs only the user's RSP on this side of the flip (one word through the door
; page); IRETQ needs its 5-word frame copied back to the entry stack.
;
; What it leaves behind: the last entry's head and one register on a stack that every process maps.

%include "frame.inc"
ENTRY_TEXT percpu

IDT_STUBS percpu, shared_two

percpu_syscall_entry:
.land:		; [cr3=user gs=user rsp=user if=0]
.gs:		; [cr3=user gs=user rsp=user if=0]
	swapgs
	mov	[gs:PERCPU_SCRATCH], rsp
.flip_in:	; [cr3=user gs=kernel rsp=user if=0]
	FLIP_IN	rsp, "percpu.syscall.in"
.stack:		; [cr3=kernel gs=kernel rsp=none if=0]
	mov	rsp, [gs:PERCPU_KSTACK_TOP]
.frame:		; [cr3=kernel gs=kernel rsp=kernel if=0]
	PUSH_SYSCALL_HEAD
	PUSH_GPRS
.copy_in:	; not needed: pushed straight onto the kernel stack
.dispatch:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	mov	rdi, rsp
	call	syscall_dispatch
	mov	[rsp + TF_RAX], rax
.work:		; [cr3=kernel gs=kernel rsp=kernel if=0]
	cmp	dword [gs:PERCPU_WORK], 0
	jne	.do_work
.check:		; [cr3=kernel gs=kernel rsp=kernel if=0]
	SYSRET_CHECK percpu_idt_entry.restore
.copy_out:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	mov	rdx, [rsp + TF_RSP]
	mov	[gs:PERCPU_SCRATCH], rdx
.restore:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	POP_GPRS_FOR_SYSRET
.flip_out:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	FLIP_OUT rsp, "percpu.syscall.out"
	mov	rsp, [gs:PERCPU_SCRATCH]
.leave:		; [cr3=user gs=kernel rsp=user if=0]
	swapgs
	o64 sysret
.do_work:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	call	exit_work
	jmp	.check

percpu_idt_entry:
.land:		; [cr3=any gs=any rsp=any if=0], from user mode [cr3=user gs=user rsp=entry if=0]
	cld
	test	byte [rsp + HEAD_CS], 3
	jz	shared_two_kernel_entry
.gs:		; [cr3=user gs=user rsp=entry if=0]
	swapgs				; the CR3 write below serialises it
	mov	[gs:PERCPU_SCRATCH], rdi
.flip_in:	; [cr3=user gs=kernel rsp=entry if=0]
	FLIP_IN	rdi, "percpu.idt.in"
.stack:		; [cr3=kernel gs=kernel rsp=entry if=0]
	mov	rdi, rsp
	mov	rsp, [gs:PERCPU_KSTACK_TOP]
.copy_in:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	COPY_HEAD rdi
	mov	rdi, [gs:PERCPU_SCRATCH]
.frame:		; [cr3=kernel gs=kernel rsp=kernel if=0]
	PUSH_GPRS
.dispatch:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	mov	rdi, rsp
	call	idt_dispatch
.work:		; [cr3=kernel gs=kernel rsp=kernel if=0]
	cmp	dword [gs:PERCPU_WORK], 0
	jne	.do_work
.restore:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	pop	r11
	pop	rcx
	POP_GPRS_TO_RDI
.copy_out:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	mov	rdi, rsp
	mov	rsp, [gs:PERCPU_ENTRY_TOP]
	push	qword [rdi + TF_SS - TF_RDI]
	push	qword [rdi + TF_RSP - TF_RDI]
	push	qword [rdi + TF_RFLAGS - TF_RDI]
	push	qword [rdi + TF_CS - TF_RDI]
	push	qword [rdi + TF_RIP - TF_RDI]
	push	qword [rdi]
.flip_out:	; [cr3=kernel gs=kernel rsp=entry if=0]
	FLIP_OUT rdi, "percpu.idt.out"
	pop	rdi
.leave:		; [cr3=user gs=kernel rsp=entry if=0]
	swapgs
.iret:		; [cr3=user gs=user rsp=entry if=0]
	iretq
.do_work:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	call	exit_work
	jmp	.restore

; A thread's first way out: rdi = its frame, kernel stack. [cr3=kernel gs=kernel rsp=kernel if=0]
percpu_user_return:
	mov	rsp, rdi
	jmp	percpu_idt_entry.restore
