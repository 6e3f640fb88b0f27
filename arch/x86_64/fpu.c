/* SPDX-License-Identifier: MIT */
/* fpu.c - user FPU, SSE and AVX state. XSAVE where there is one, FXSAVE elsewhere. */
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/x86.h"

#define XCR0_AVX	(1u << 2)
#define XCR0_AVX512	(7u << 5)
#define FXSAVE_SIZE	512
#define FCW_INIT	0x37f		/* all x87 exceptions masked, 64-bit precision */
#define MXCSR_INIT	0x1f80
#define MXCSR_OFFSET	24

static uint32_t area_size = FXSAVE_SIZE;

/* FXRSTOR and XRSTOR load the x87 instruction and data pointers only with an exception pending, so
 * that a program would find those of the last one: AMD without XSaveErPtr (APM vol. 2, 11.4.4.3;
 * CVE-2006-1056). Tried rather than asked of CPUID, for QEMU 10 claims XSaveErPtr and has it
 * not. */
static bool pointers_stay;

/* One CPU at a time comes here. */
static void find_erratum(void)
{
	static uint8_t area[FXSAVE_SIZE] __attribute__((aligned(16)));
	struct { uint32_t control, status, tags, instruction, rest[3]; } environment;

	__asm__ volatile("fninit; fxsave64 %0; fldz; fstp %%st(0); fxrstor64 %0; fnstenv %1; fninit"
			 : "+m"(area), "=m"(environment));
	if (environment.instruction)
		pointers_stay = true;
}

void fpu_enable(void)
{
	uint32_t offered, xcr0 = XCR0_X87_SSE;

	find_erratum();
	if (!(cpu_features & CPU_XSAVE))
		return;
	offered = cpuid(0xd, 0).eax;
	if (offered & XCR0_AVX)
		xcr0 |= XCR0_AVX;
	if ((offered & (XCR0_AVX | XCR0_AVX512)) == (XCR0_AVX | XCR0_AVX512))
		xcr0 |= XCR0_AVX512;
	__asm__ volatile("xsetbv" : : "c"(0), "a"(xcr0), "d"(0));
	area_size = cpuid(0xd, 0).ebx;	/* for what XCR0 enables now */
}

size_t fpu_area_size(void)
{
	return area_size;
}

/* XSTATE_BV = 0 makes XRSTOR load the initial state; MXCSR comes from the area all the same. */
void fpu_area_init(void *area)
{
	*(uint16_t *)area = FCW_INIT;
	*(uint32_t *)((char *)area + MXCSR_OFFSET) = MXCSR_INIT;
}

void fpu_save(void *area)
{
	if (cpu_features & CPU_XSAVE)
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void fpu_restore(const void *area)
{
	if (pointers_stay)
		__asm__ volatile("fninit");	/* clears them, and waits for no exception */
	if (cpu_features & CPU_XSAVE)
		__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}
