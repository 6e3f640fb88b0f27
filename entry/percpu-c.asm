; SPDX-License-Identifier: MIT
; percpu-c.asm - the per-CPU entry stack with the flip in C.
;
; Theory.  Proposed in the thread as "a good first step", and withdrawn.  C needs a stack before the
; flip, and the only one that the user root maps belongs to the CPU, not to the task: so the whole
; frame is built on the entry stack, a C function flips, and then every word of the frame must be
; copied to the kernel stack before anything else may enter here.  The way out is the reverse.
; System calls pay it too.  Against `percpu` this row shows what the place of the flip costs while
; the stack stays the same; against `pertask`, what the stack costs while the place of the flip
; stays the same.
;
; What it leaves behind: the last frame of whoever entered last, all GPRs, on a stack that every
; process maps.

%include "frame.inc"
ENTRY_TEXT percpu-c
extern percpu_c_syscall_in, percpu_c_syscall_out, percpu_c_idt_in, percpu_c_idt_out

IDT_STUBS percpu_c, shared_two

percpu_c_syscall_entry:
.land:		; [cr3=user gs=user rsp=user if=0]
.gs:		; [cr3=user gs=user rsp=user if=0]
	swapgs
.stack:		; [cr3=user gs=kernel rsp=user if=0]
	mov	[gs:PERCPU_SCRATCH], rsp
	mov	rsp, [gs:PERCPU_ENTRY_TOP]
.frame:		; [cr3=user gs=kernel rsp=entry if=0]
	PUSH_SYSCALL_HEAD
	PUSH_GPRS
.flip_in:	; [cr3=user gs=kernel rsp=entry if=0]
	call	percpu_c_syscall_in
.copy_in:	; [cr3=kernel gs=kernel rsp=entry if=0]
	mov	rsi, rsp
	mov	rsp, [gs:PERCPU_KSTACK_TOP]
	COPY_FRAME rsi
.dispatch:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	mov	rdi, rsp
	call	syscall_dispatch
	mov	[rsp + TF_RAX], rax
.work:		; [cr3=kernel gs=kernel rsp=kernel if=0]
	cmp	dword [gs:PERCPU_WORK], 0
	jne	.do_work
.copy_out:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	mov	rsi, rsp
	mov	rsp, [gs:PERCPU_ENTRY_TOP]
	COPY_FRAME rsi
.flip_out:	; [cr3=kernel gs=kernel rsp=entry if=0]
	call	percpu_c_syscall_out
.check:		; [cr3=user gs=kernel rsp=entry if=0]
	SYSRET_CHECK percpu_c_idt_entry.restore
.restore:	; [cr3=user gs=kernel rsp=entry if=0]
	POP_GPRS_FOR_SYSRET
	mov	rsp, [rsp + TF_RSP - TF_VECTOR]
.leave:		; [cr3=user gs=kernel rsp=user if=0]
	swapgs
	o64 sysret
.do_work:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	call	exit_work
	jmp	.copy_out

percpu_c_idt_entry:
.land:		; [cr3=any gs=any rsp=any if=0], from user mode [cr3=user gs=user rsp=entry if=0]
	cld
	test	byte [rsp + HEAD_CS], 3
	jz	shared_two_kernel_entry
.gs:		; [cr3=user gs=user rsp=entry if=0]
	swapgs				; the CR3 write below serialises it; until then only pushes
.stack:		; not needed: RSP0 is the entry stack
.frame:		; [cr3=user gs=kernel rsp=entry if=0]
	PUSH_GPRS
.flip_in:	; [cr3=user gs=kernel rsp=entry if=0]
	call	percpu_c_idt_in
.copy_in:	; [cr3=kernel gs=kernel rsp=entry if=0]
	mov	rsi, rsp
	mov	rsp, [gs:PERCPU_KSTACK_TOP]
	COPY_FRAME rsi
.dispatch:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	mov	rdi, rsp
	call	idt_dispatch
.work:		; [cr3=kernel gs=kernel rsp=kernel if=0]
	cmp	dword [gs:PERCPU_WORK], 0
	jne	.do_work
.copy_out:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	mov	rsi, rsp
	mov	rsp, [gs:PERCPU_ENTRY_TOP]
	COPY_FRAME rsi
.flip_out:	; [cr3=kernel gs=kernel rsp=entry if=0]
	call	percpu_c_idt_out
.restore:	; [cr3=user gs=kernel rsp=entry if=0]
	POP_GPRS
	add	rsp, TF_RIP - TF_VECTOR
.leave:		; [cr3=user gs=kernel rsp=entry if=0]
	swapgs
.iret:		; [cr3=user gs=user rsp=entry if=0]
	iretq
.do_work:	; [cr3=kernel gs=kernel rsp=kernel if=0]
	call	exit_work
	jmp	.copy_out

; A thread's first way out: rdi = its frame, kernel stack. [cr3=kernel gs=kernel rsp=kernel if=0]
percpu_c_user_return:
	mov	rsp, rdi
	jmp	percpu_c_idt_entry.copy_out
