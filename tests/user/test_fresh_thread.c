/* SPDX-License-Identifier: MIT */
/*
 * test_fresh_thread.c - what a new thread finds in its registers: its argument, its stack, and
 * otherwise what the processor has after reset. Nothing of the thread that was there before it.
 *
 * Each is started after another one has filled its registers, its system call's frame with them,
 * and has ended: stack, trampoline and FPU area are likely to be the same.
 */
#include "print.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "user.h"

#define ROUNDS		20
#define FCW_RESET	0x37f
#define MXCSR_RESET	0x1f80
#define FLAGS_FRESH	0x202		/* IF, and the bit that is always one */
#define FRESH_ARG	0x1234567

struct x87_environment {
	uint32_t control, status, tags, fip, fcs_fop, fdp, fds;
};

/* Filled by fresh_start below, in this order. */
static struct found {
	uint64_t general[16];		/* rax rbx rcx rdx rsi rdi rbp rsp r8..r15 */
	uint64_t flags, selectors[4];
	struct x87_environment x87;
	uint32_t mxcsr;
	uint64_t xmm[16][2];
} found __attribute__((used));

/* A thread's first instructions; every register goes to `found` before any other is used. */
__asm__(".text\n"
	".globl fresh_start\n"
	"fresh_start:\n"
	"	mov %rax, found(%rip)\n	mov %rbx, found+8(%rip)\n	mov %rcx, found+16(%rip)\n"
	"	mov %rdx, found+24(%rip)\n	mov %rsi, found+32(%rip)\n	mov %rdi, "
	"found+40(%rip)\n"
	"	mov %rbp, found+48(%rip)\n	mov %rsp, found+56(%rip)\n"
	"	mov %r8, found+64(%rip)\n	mov %r9, found+72(%rip)\n	mov %r10, "
	"found+80(%rip)\n"
	"	mov %r11, found+88(%rip)\n	mov %r12, found+96(%rip)\n	mov %r13, "
	"found+104(%rip)\n"
	"	mov %r14, found+112(%rip)\n	mov %r15, found+120(%rip)\n"
	"	pushfq\n	pop found+128(%rip)\n	cld\n"
	"	mov %ds, %eax\n	mov %rax, found+136(%rip)\n	mov %es, %eax\n	mov %rax, "
	"found+144(%rip)\n"
	"	mov %fs, %eax\n	mov %rax, found+152(%rip)\n	mov %gs, %eax\n	mov %rax, "
	"found+160(%rip)\n"
	"	fnstenv found+168(%rip)\n	stmxcsr found+196(%rip)\n"
	"	lea found+200(%rip), %rax\n"
	".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"	movups %xmm\\n, 16*\\n(%rax)\n"
	".endr\n"
	"	call sys_thread_exit\n");
void fresh_start(void);

_Static_assert(offsetof(struct found, flags) == 128 && offsetof(struct found, selectors) == 136 &&
		       offsetof(struct found, x87) == 168 && offsetof(struct found, mxcsr) == 196 &&
		       offsetof(struct found, xmm) == 200,
	       "fresh_start");

/* Every register another number, then a system call, then the end. */
static void leave_traces(void *unused)
{
	static const uint64_t pattern[2] = { 0x1122334455667788, 0x99aabbccddeeff00 };
	static const uint32_t mxcsr = 0x5f80;
	static const uint16_t control = 0xb7f;

	(void)unused;
	__asm__ volatile("fldcw %0; ldmxcsr %1; fldpi; fldl2e; fldz" : : "m"(control), "m"(mxcsr));
#define FILL(n) __asm__ volatile("movups %0, %%xmm" #n : : "m"(pattern) : "xmm" #n);
	FILL(0)
	FILL(1) FILL(2) FILL(3) FILL(4) FILL(5) FILL(6) FILL(7) FILL(8) FILL(9) FILL(10) FILL(11)
		FILL(12) FILL(13) FILL(14)
			FILL(15) __asm__ volatile("mov %0, %%rbx; mov %%rbx, %%r8; mov %%rbx, "
						  "%%r9; mov %%rbx, %%r10; mov %%rbx, %%r12;"
						  "mov %%rbx, %%r13; mov %%rbx, %%r14; mov %%rbx, "
						  "%%r15; mov %%rbx, %%rdx; mov %1, %%eax;"
						  "std; syscall; cld"
						  :
						  : "r"(pattern[0]), "i"(SYS_yield)
						  : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10",
						    "r11", "r12", "r13", "r14", "r15", "memory");
	__asm__ volatile("fninit");
}

static void check_found(uint64_t stack)
{
	for (int i = 0; i < 16; i++) {
		uint64_t wanted = i == 5 ? FRESH_ARG : i == 7 ? stack : 0;

		if (!CHECK_EQUAL(found.general[i], wanted))
			printf("# register %d of rax rbx rcx rdx rsi rdi rbp rsp r8..r15\n", i);
	}
	CHECK_EQUAL(found.flags, FLAGS_FRESH);
	for (int i = 0; i < 4; i++)
		CHECK_EQUAL(found.selectors[i], 0);
	CHECK_EQUAL(found.x87.control & 0xffff, FCW_RESET);
	CHECK_EQUAL(found.x87.status & 0xffff, 0);
	CHECK_EQUAL(found.x87.tags & 0xffff, 0xffff);
	CHECK(!found.x87.fip && !found.x87.fdp && !(found.x87.fcs_fop >> 16));
	CHECK_EQUAL(found.mxcsr, MXCSR_RESET);
	for (int i = 0; i < 16; i++)
		CHECK(!found.xmm[i][0] && !found.xmm[i][1]);
}

int main(const char *arg, size_t len)
{
	static char stack[4096] __attribute__((aligned(16)));
	uint64_t top = (uint64_t)(stack + sizeof(stack));

	(void)arg, (void)len;
	for (int i = 0; i < ROUNDS; i++) {
		struct user_thread t;
		long tid;

		CHECK_EQUAL(thread_start(&t, leave_traces, NULL), 0);
		CHECK_EQUAL(thread_finish(&t), 0);
		memset(&found, 0x5a, sizeof(found));
		tid = sys_thread_create((uintptr_t)fresh_start, top, FRESH_ARG);
		CHECK(tid > 0);
		CHECK_EQUAL(sys_thread_join((unsigned long)tid), 0);
		check_found(top);
	}
	return test_result();
}
