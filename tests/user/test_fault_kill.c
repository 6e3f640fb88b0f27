/* SPDX-License-Identifier: MIT */
/* test_fault_kill.c - a fault kills the process that made it, with the right vector, and nobody
 * else. */
#include "arch/x86_64/trapframe.h"
#include "mm/layout.h"
#include "test.h"
#include "thread.h"
#include "user.h"

#define VECTOR_OF_X87 16
#define VECTOR_OF_SIMD 19

static char data[16] = { (char)0xc3 };	/* RET */
static const char constant[16] = { (char)0xc3 };

static void write_to(uintptr_t address) { *(volatile char *)address = 1; }
static void read_from(uintptr_t address) { (void)*(volatile char *)address; }
static void call_to(uintptr_t address) { ((void (*)(void))address)(); }

static void read_null(void) { read_from(0); }
static void write_null(void) { write_to(0); }
static void write_text(void) { write_to((uintptr_t)write_text); }
static void write_constant(void) { write_to((uintptr_t)constant); }
static void call_data(void) { call_to((uintptr_t)data); }
static void call_constant(void) { call_to((uintptr_t)constant); }

static void call_stack(void)
{
	volatile char code[16] = { (char)0xc3 };

	call_to((uintptr_t)code);
}

static void call_map(void)
{
	char *page = map_memory(PAGE_SIZE, PROT_WRITE);

	page[0] = (char)0xc3;
	call_to((uintptr_t)page);
}

static void read_direct_map(void) { read_from(DIRECT_MAP_BASE + KERNEL_LOAD_PA); }
static void write_direct_map(void) { write_to(DIRECT_MAP_BASE + KERNEL_LOAD_PA); }
static void read_kernel_text(void) { read_from(KERNEL_IMAGE_BASE + KERNEL_LOAD_PA); }
static void read_idt(void) { read_from(CEA_IDT); }
static void write_door(void) { write_to(CEA_FIRST_BLOCK + CEA_DOOR_PAGE * PAGE_SIZE); }
static void read_trampoline(void) { read_from(TRAMPOLINE_AREA_BASE + PAGE_SIZE); }
static void read_non_canonical(void) { read_from(0x800000000000); }
static void read_last_page(void) { read_from(USER_END); }
static void below_the_stack(void) { write_to(USER_STACK_TOP - USER_STACK_SIZE - 1); }

static void divide_by_zero(void)
{
	__asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; mov $1, %%eax; div %%ecx"
			 :
			 :
			 : "rax", "rcx", "rdx");
}

static void undefined(void) { __asm__ volatile("ud2"); }
static void breakpoint(void) { __asm__ volatile("int3"); }

static void simd_divide_by_zero(void)
{
	uint32_t mxcsr = 0x1f80 & ~(1u << 9);	/* unmask divide by zero */

	__asm__ volatile("ldmxcsr %0; xorps %%xmm1, %%xmm1; mov $1, %%eax; cvtsi2ss %%eax, %%xmm0; "
			 "divss %%xmm1, %%xmm0"
			 :
			 : "m"(mxcsr)
			 : "rax", "xmm0", "xmm1");
}

static void x87_divide_by_zero(void)
{
	uint16_t control = 0x37f & ~(1u << 2);

	__asm__ volatile("fldcw %0; fldz; fld1; fdivp; fwait" : : "m"(control));
}

static void run_undefined(void *unused)
{
	(void)unused;
	undefined();
}

/* A thread's fault takes its whole process along, the one that waits for it included. */
static void thread_undefined(void)
{
	struct user_thread t;

	if (!thread_start(&t, run_undefined, 0))
		thread_finish(&t);
}

static const struct offence offences[] = {
	{ "read_null", read_null, KILLED_BY(VECTOR_PF) },
	{ "write_null", write_null, KILLED_BY(VECTOR_PF) },
	{ "write_text", write_text, KILLED_BY(VECTOR_PF) },
	{ "write_constant", write_constant, KILLED_BY(VECTOR_PF) },
	{ "call_data", call_data, KILLED_BY(VECTOR_PF) },
	{ "call_constant", call_constant, KILLED_BY(VECTOR_PF) },
	{ "call_stack", call_stack, KILLED_BY(VECTOR_PF) },
	{ "call_map", call_map, KILLED_BY(VECTOR_PF) },
	{ "read_direct_map", read_direct_map, KILLED_BY(VECTOR_PF) },
	{ "write_direct_map", write_direct_map, KILLED_BY(VECTOR_PF) },
	{ "read_kernel_text", read_kernel_text, KILLED_BY(VECTOR_PF) },
	{ "read_idt", read_idt, KILLED_BY(VECTOR_PF) },
	{ "write_door", write_door, KILLED_BY(VECTOR_PF) },
	{ "read_trampoline", read_trampoline, KILLED_BY(VECTOR_PF) },
	{ "read_non_canonical", read_non_canonical, KILLED_BY(VECTOR_GP) },
	{ "read_last_page", read_last_page, KILLED_BY(VECTOR_PF) },
	{ "below_the_stack", below_the_stack, KILLED_BY(VECTOR_PF) },
	{ "divide_by_zero", divide_by_zero, KILLED_BY(VECTOR_DE) },
	{ "undefined", undefined, KILLED_BY(VECTOR_UD) },
	{ "breakpoint", breakpoint, KILLED_BY(VECTOR_BP) },
	/* QEMU's TCG raises no SIMD exception at all. */
	{ "simd_divide_by_zero", simd_divide_by_zero, KILLED_BY(VECTOR_OF_SIMD) | SURVIVES },
	{ "x87_divide_by_zero", x87_divide_by_zero, KILLED_BY(VECTOR_OF_X87) },
	{ "thread_undefined", thread_undefined, KILLED_BY(VECTOR_UD) },
};

int main(const char *arg, size_t len)
{
	(void)len;
	return test_offences("test_fault_kill", arg, offences,
			     sizeof(offences) / sizeof(offences[0]));
}
