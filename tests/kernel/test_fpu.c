/* SPDX-License-Identifier: MIT */
/*
 * test_fpu.c - a fresh FPU area is the state after reset, whatever the registers held before; and
 * what is saved is what comes back: x87 numbers and pointers, control words, XMM and YMM.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/x86.h"
#include "kernel/lib/string.h"
#include "mm/heap.h"
#include "tests/kernel/ktest.h"

#define FCW_RESET	0x37f		/* FNINIT's: SDM vol. 1, 8.1.5 */
#define FCW_OTHER	0xb7f		/* rounds up */
#define MXCSR_RESET	0x1f80
#define MXCSR_OTHER	0x5f80		/* the same */
#define EMPTY		0xffff		/* all eight registers */
#define RESULT_POINTER	8		/* FXSAVE's place of the x87 instruction's address */

struct environment {			/* what FNSTENV stores */
	uint32_t control, status, tags, instruction, selector, data, data_selector;
};

struct registers {
	struct environment x87;
	uint32_t mxcsr;
	uint64_t mm[8][2], xmm[16][2], ymm[16][4];
} __attribute__((aligned(64)));

static struct registers before, after;

/* Every register another number, every control word another than after reset. */
static void dirty(void)
{
	static uint64_t pattern[4] __attribute__((aligned(32))) = {
		0x1122334455667788, 0x99aabbccddeeff00, 0x0123456789abcdef, 0xfedcba9876543210,
	};
	static const uint16_t control = FCW_OTHER;
	static const uint32_t mxcsr = MXCSR_OTHER;

	__asm__ volatile("fninit; fldpi; fldl2e; fldln2; fldz; fld1; fldcw %0; ldmxcsr %1"
			 : : "m"(control), "m"(mxcsr));
#define FILL(n) \
	__asm__ volatile("movdqu %0, %%xmm" #n "; paddd %%xmm" #n ", %%xmm" #n : : "m"(pattern))
#define FILL_WIDE(n) __asm__ volatile("vmovdqu %0, %%ymm" #n : : "m"(pattern))
#define EACH(X) X(0); X(1); X(2); X(3); X(4); X(5); X(6); X(7); \
	X(8); X(9); X(10); X(11); X(12); X(13); X(14); X(15)
	EACH(FILL);
	if (cpu_features & CPU_AVX) {
		EACH(FILL_WIDE);
	}
}

/* FNSTENV masks exceptions, and the x87 numbers are popped: whoever reads changes them. */
static void read_all(struct registers *r)
{
	memset(r, 0, sizeof(*r));
	__asm__ volatile("fnstenv %0; fldenv %0" : "+m"(r->x87));
	__asm__ volatile("stmxcsr %0" : "=m"(r->mxcsr));
	for (unsigned i = 0;
	     i < 8 && (r->x87.tags >> 2 * ((r->x87.status >> 11) + i) % 16 & 3) != 3; i++)
		__asm__ volatile("fstpt %0" : "=m"(r->mm[i]));
#define STORE(n) __asm__ volatile("movdqu %%xmm" #n ", %0" : "=m"(r->xmm[n]))
#define STORE_WIDE(n) __asm__ volatile("vmovdqu %%ymm" #n ", %0" : "=m"(r->ymm[n]))
	EACH(STORE);
	if (cpu_features & CPU_AVX) {
		EACH(STORE_WIDE);
	}
}

static bool all_zero(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const char *)p)[i])
			return false;
	return true;
}

KTEST(a_fresh_fpu_area_is_the_state_after_reset)
{
	void *old = kzalloc(fpu_area_size()), *fresh = kzalloc(fpu_area_size());

	KCHECK(old && fresh);
	fpu_save(old);
	fpu_area_init(fresh);
	dirty();
	fpu_restore(fresh);
	read_all(&after);
	fpu_restore(old);
	KCHECK((after.x87.control & 0xffff) == FCW_RESET);
	KCHECK((after.x87.status & 0xffff) == 0 && (after.x87.tags & 0xffff) == EMPTY);
	KCHECK(!after.x87.instruction && !after.x87.data && !(after.x87.selector >> 16));
	KCHECK(after.mxcsr == MXCSR_RESET);
	KCHECK(all_zero(after.xmm, sizeof(after.xmm)) && all_zero(after.ymm, sizeof(after.ymm)));
	kfree(fresh);
	kfree(old);
}

KTEST(what_the_fpu_saves_comes_back)
{
	char *old = kzalloc(fpu_area_size()), *fresh = kzalloc(fpu_area_size()),
	     *kept = kzalloc(fpu_area_size());
	uint64_t pointer;

	KCHECK(old && fresh && kept);
	fpu_save(old);
	fpu_area_init(fresh);
	dirty();
	fpu_save(kept);
	read_all(&before);
	fpu_restore(fresh);
	fpu_restore(kept);
	read_all(&after);
	fpu_restore(old);
	KCHECK(!memcmp(&before.mm, &after.mm, sizeof(before.mm)));
	KCHECK(before.x87.control == after.x87.control && before.x87.status == after.x87.status);
	KCHECK(before.x87.tags == after.x87.tags && before.mxcsr == after.mxcsr);
	KCHECK((before.x87.control & 0xffff) == FCW_OTHER && before.mxcsr == MXCSR_OTHER);
	KCHECK(!memcmp(&before.xmm, &after.xmm, sizeof(before.xmm)));
	KCHECK(!memcmp(&before.ymm, &after.ymm, sizeof(before.ymm)));
	/* With 64 bits, where the processor keeps it at all: kernel text is not in the low 4
	 * GiB. */
	memcpy(&pointer, kept + RESULT_POINTER, sizeof(pointer));
	KCHECK(!pointer || pointer >> 63);
	kfree(kept);
	kfree(fresh);
	kfree(old);
}
