/* SPDX-License-Identifier: MIT */
/* test_abuse_rip.c - programs that send the instruction pointer where it must not go. */
#include "arch/x86_64/trapframe.h"
#include "mm/layout.h"
#include "print.h"
#include "test.h"
#include "user.h"

/*
 * A page of code that ends where user addresses end (user.ld puts .top_page there).
 * SYSCALL in its last two bytes stores USER_END as its return address: canonical, but
 * never mapped.  Were one page more mappable, the address would be 2^47, and a
 * kernel that returned there by SYSRET could fault with the user's stack in ring 0.
 */
__asm__(".pushsection .top_page, \"ax\"\n"
	"	ret\n"
	"	.org 4092, 0xcc\n"
	"	nop\n"
	"	nop\n"
	"	syscall\n"
	".popsection");
/* By number: the small code model has no symbols that far up. */
#define TOP_RET (USER_END - PAGE_SIZE)
#define TOP_NOPS (USER_END - 4)
#define TOP_SYSCALL (USER_END - 2)

static void jump(unsigned long rip)
{
	__asm__ volatile("jmp *%0" : : "r"(rip), "a"((unsigned long)SYS_null) : "memory");
}

static void last_syscall(void) { jump(TOP_SYSCALL); }
static void run_off_the_end(void) { jump(TOP_NOPS); }
static void to_user_end(void) { jump(USER_END); }
static void to_non_canonical(void) { jump(0x800000000000); }
static void to_far_non_canonical(void) { jump(0x8000000000000000); }
static void to_direct_map(void) { jump(DIRECT_MAP_BASE + KERNEL_LOAD_PA); }
static void to_kernel_text(void) { jump(KERNEL_IMAGE_BASE + KERNEL_LOAD_PA); }
static void to_entry_area(void) { jump(CPU_ENTRY_AREA_BASE); }
static void to_last_byte(void) { jump(~0ul); }
static void to_null(void) { jump(0); }

/* The call still works there when it does not return: the machine goes on after exit. */
static void last_syscall_exits(void)
{
	__asm__ volatile("jmp *%0"
			 :
			 : "r"(TOP_SYSCALL), "a"((unsigned long)SYS_exit), "D"(0ul)
			 : "memory");
}

static void yield_returns_off_the_end(void)
{
	__asm__ volatile("jmp *%0" : : "r"(TOP_SYSCALL), "a"((unsigned long)SYS_yield) : "memory");
}

static void sleep_returns_off_the_end(void)
{
	__asm__ volatile("jmp *%0"
			 :
			 : "r"(TOP_SYSCALL), "a"((unsigned long)SYS_sleep), "D"(1000ul)
			 : "memory");
}

#define PF KILLED_BY(VECTOR_PF)
/* A jump to a non-canonical address is a #GP. */
#define GP KILLED_BY(VECTOR_GP)

static const struct offence offences[] = {
	{ "last_syscall", last_syscall, PF },
	{ "run_off_the_end", run_off_the_end, PF },
	{ "last_syscall_exits", last_syscall_exits, SURVIVES },
	{ "yield_off_the_end", yield_returns_off_the_end, PF },
	{ "sleep_off_the_end", sleep_returns_off_the_end, PF },
	{ "to_user_end", to_user_end, PF },
	{ "to_non_canonical", to_non_canonical, GP },
	{ "to_far_non_canonical", to_far_non_canonical, GP },
	{ "to_direct_map", to_direct_map, PF },
	{ "to_kernel_text", to_kernel_text, PF },
	{ "to_entry_area", to_entry_area, PF },
	{ "to_last_byte", to_last_byte, PF },
	{ "to_null", to_null, PF },
};

int main(const char *arg, size_t len)
{
	(void)len;
	CHECK_EQUAL(*(const uint16_t *)TOP_SYSCALL, 0x050f);	/* 0f 05 */
	/* The page is there and executable: this comes back. */
	((void (*)(void))TOP_RET)();
	return test_offences("test_abuse_rip", arg, offences,
			     sizeof(offences) / sizeof(offences[0]));
}
