/* SPDX-License-Identifier: MIT */
/*
 * asm-offsets.c - constants that NASM and the host's tools share with C.
 *
 * Compiled to assembly only; the Makefile turns each "->NAME value" line into
 * a %define, and tools/gen_constants.py into a line of constants.json.  No
 * assembly file and no tool writes an offset by hand.
 */
#include <stddef.h>
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/pc/needs.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/uart.h"
#include "arch/x86_64/x86.h"
#include "boot/bootinfo.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/console/panic.h"
#include "mm/layout.h"
#include "mm/pagetable.h"
#include "mm/slots.h"

#define EMIT(name, value) \
	__asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"((unsigned long)(value)))

void asm_offsets(void);
void asm_offsets(void)
{
	EMIT(TF_R11, offsetof(struct trapframe, r11));
	EMIT(TF_RCX, offsetof(struct trapframe, rcx));
	EMIT(TF_R15, offsetof(struct trapframe, r15));
	EMIT(TF_R14, offsetof(struct trapframe, r14));
	EMIT(TF_R13, offsetof(struct trapframe, r13));
	EMIT(TF_R12, offsetof(struct trapframe, r12));
	EMIT(TF_RBP, offsetof(struct trapframe, rbp));
	EMIT(TF_RBX, offsetof(struct trapframe, rbx));
	EMIT(TF_R10, offsetof(struct trapframe, r10));
	EMIT(TF_R9, offsetof(struct trapframe, r9));
	EMIT(TF_R8, offsetof(struct trapframe, r8));
	EMIT(TF_RAX, offsetof(struct trapframe, rax));
	EMIT(TF_RDX, offsetof(struct trapframe, rdx));
	EMIT(TF_RSI, offsetof(struct trapframe, rsi));
	EMIT(TF_RDI, offsetof(struct trapframe, rdi));
	EMIT(TF_VECTOR, offsetof(struct trapframe, vector));
	EMIT(TF_ERROR, offsetof(struct trapframe, error));
	EMIT(TF_RIP, offsetof(struct trapframe, rip));
	EMIT(TF_CS, offsetof(struct trapframe, cs));
	EMIT(TF_RFLAGS, offsetof(struct trapframe, rflags));
	EMIT(TF_RSP, offsetof(struct trapframe, rsp));
	EMIT(TF_SS, offsetof(struct trapframe, ss));
	EMIT(TF_SIZE, sizeof(struct trapframe));

	EMIT(PERCPU_KERNEL_CR3, offsetof(struct percpu, kernel_cr3));
	EMIT(PERCPU_USER_CR3, offsetof(struct percpu, user_cr3));
	EMIT(PERCPU_ENTRY_TOP, offsetof(struct percpu, entry_top));
	EMIT(PERCPU_SCRATCH, offsetof(struct percpu, scratch));
	EMIT(PERCPU_KSTACK_TOP, offsetof(struct percpu, kstack_top));
	EMIT(PERCPU_CURRENT, offsetof(struct percpu, current));
	EMIT(PERCPU_IST_BODY_TOP, offsetof(struct percpu, ist_body_top));
	EMIT(PERCPU_WORK, offsetof(struct percpu, work));
	EMIT(PERCPU_DOOR_PAD, offsetof(struct percpu, door_pad));

	EMIT(IST_NMI, IST_NMI);
	EMIT(IST_DB, IST_DB);
	EMIT(IST_DF, IST_DF);
	EMIT(IST_MC, IST_MC);
	EMIT(ENTRY_STUB_SIZE, ENTRY_STUB_SIZE);

	/* For tools/, which read a design's entry points where the boot does. */
	EMIT(ED_SPLIT, offsetof(struct entry_design, split));
	EMIT(ED_SYSCALL_ENTRY, offsetof(struct entry_design, syscall_entry));
	EMIT(ED_STUBS, offsetof(struct entry_design, stubs));
	EMIT(ED_IST, offsetof(struct entry_design, ist));
	EMIT(ED_USER_RETURN, offsetof(struct entry_design, user_return));
	EMIT(ED_TEXT_START, offsetof(struct entry_design, text_start));
	EMIT(ED_TEXT_END, offsetof(struct entry_design, text_end));
	EMIT(ED_RODATA_START, offsetof(struct entry_design, rodata_start));
	EMIT(ED_RODATA_END, offsetof(struct entry_design, rodata_end));
	EMIT(ED_SHARED_TEXT_START, offsetof(struct entry_design, shared_text_start));
	EMIT(ED_SHARED_TEXT_END, offsetof(struct entry_design, shared_text_end));
	EMIT(ED_SHARED_RODATA_START, offsetof(struct entry_design, shared_rodata_start));
	EMIT(ED_SHARED_RODATA_END, offsetof(struct entry_design, shared_rodata_end));
	EMIT(FLIP_SITE_NAME, offsetof(struct flip_site, name));
	EMIT(FLIP_SITE_SIZE, sizeof(struct flip_site));
	EMIT(IST_SITE_KIND, offsetof(struct ist_entry_site, kind));
	EMIT(IST_SITE_START, offsetof(struct ist_entry_site, start));
	EMIT(IST_SITE_SIZE, sizeof(struct ist_entry_site));

	EMIT(SEL_KERNEL_CODE, SEL_KERNEL_CODE);
	EMIT(SEL_KERNEL_DATA, SEL_KERNEL_DATA);
	EMIT(SEL_USER_DATA, SEL_USER_DATA);
	EMIT(SEL_USER_CODE, SEL_USER_CODE);
	EMIT(VECTOR_SYSCALL, VECTOR_SYSCALL);
	EMIT(VECTOR_EXCEPTIONS, VECTOR_EXCEPTIONS);
	EMIT(VECTORS_WITH_ERROR_CODE, VECTORS_WITH_ERROR_CODE);
	EMIT(FLAG_TF, FLAG_TF);
	EMIT(FLAG_RF, FLAG_RF);
	EMIT(MSR_GS_BASE, MSR_GS_BASE);
	EMIT(PAGE_SIZE, PAGE_SIZE);
	EMIT(IST_TOP_PERCPU, offsetof(struct ist_stack_top, percpu));
	EMIT(IST_TOP_DR7, offsetof(struct ist_stack_top, dr7));
	/* From the frame on an IST stack down to its struct ist_exit. */
	EMIT(IST_EXIT, PAGE_SIZE - IST_STACK_HEADROOM - sizeof(struct trapframe) - IST_EXIT_OFFSET);

	/* boot/ */
	EMIT(PVH_MAGIC, PVH_MAGIC);
	EMIT(KERNEL_IMAGE_BASE, KERNEL_IMAGE_BASE);
	EMIT(PTE_P, PTE_P);
	EMIT(PTE_W, PTE_W);
	EMIT(PTE_PS, PTE_PS);
	EMIT(CR4_PAE, CR4_PAE);
	EMIT(MSR_EFER, MSR_EFER);
	EMIT(EARLY_EFER, EFER_LME | EFER_NXE);
	EMIT(EARLY_CR0, CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG);
	EMIT(UART_COM1, UART_COM1);
	EMIT(DEBUG_EXIT_PORT, DEBUG_EXIT_PORT);
	EMIT(EXIT_PANIC, EXIT_PANIC);
	EMIT(NEED_LEAF, offsetof(struct cpu_need, leaf));
	EMIT(NEED_BIT, offsetof(struct cpu_need, bit));
	EMIT(NEED_WHAT, offsetof(struct cpu_need, what));
	EMIT(NEED_SIZE, sizeof(struct cpu_need));
	EMIT(CPUID_BASIC, CPUID_BASIC);
	EMIT(CPUID_EXTENDED, CPUID_EXTENDED);
	EMIT(NEEDS_BASIC, NEEDS_BASIC);
	EMIT(NEEDS_EXTENDED, NEEDS_EXTENDED);
	EMIT(LACKS_BASIC, offsetof(struct cpu_lacks, basic));
	EMIT(LACKS_EXTENDED, offsetof(struct cpu_lacks, extended));
	EMIT(LACKS_SIZE, sizeof(struct cpu_lacks));
	EMIT(GATE_INTERRUPT, GATE_INTERRUPT);
	EMIT(EARLY_STUB_SIZE, 16);
	EMIT(SLOT_POOL_LOCK, offsetof(struct slot_pool, lock));
	EMIT(EARLY_IDT_SIZE, VECTOR_EXCEPTIONS * sizeof(struct idt_gate));
}
