/* SPDX-License-Identifier: MIT */
/* x86.h - the processor's registers and instructions, one accessor each (SDM vol. 2 and 3A). */
#ifndef ARCH_X86_H
#define ARCH_X86_H

#include <stdbool.h>
#include <stdint.h>

/* RFLAGS */
#define FLAG_TF		(1ul << 8)
#define FLAG_IF		(1ul << 9)
#define FLAG_DF		(1ul << 10)
#define FLAG_IOPL	(3ul << 12)
#define FLAG_NT		(1ul << 14)
#define FLAG_RF		(1ul << 16)
#define FLAG_AC		(1ul << 18)
#define FLAG_FIXED	(1ul << 1)	/* always one */
#define FLAGS_USER	0x254dd5ul	/* a program's own: CF PF AF ZF SF TF DF OF NT RF AC ID */

#define CR0_PE	(1ul << 0)
#define CR0_MP	(1ul << 1)
#define CR0_ET	(1ul << 4)
#define CR0_NE	(1ul << 5)
#define CR0_WP	(1ul << 16)
#define CR0_AM	(1ul << 18)
#define CR0_PG	(1ul << 31)

#define CR4_PAE		(1ul << 5)
#define CR4_MCE		(1ul << 6)
#define CR4_PGE		(1ul << 7)
#define CR4_OSFXSR	(1ul << 9)
#define CR4_OSXMMEXCPT	(1ul << 10)
#define CR4_UMIP	(1ul << 11)
#define CR4_OSXSAVE	(1ul << 18)
#define CR4_SMEP	(1ul << 20)
#define CR4_SMAP	(1ul << 21)
#define CR4_PCIDE	(1ul << 17)

#define DR6_NOTHING	0xffff0ff0ul	/* after reset: no breakpoint, no step */
#define DR6_BREAKPOINTS	15ul		/* which of the four was hit */
#define DR7_ENABLE(n)	(3ul << 2 * (n))	/* breakpoint @n, local and global */
#define DR6_SINGLE_STEP	(1ul << 14)

#define DR7_NOTHING	0x400ul		/* bit 10 is always one */
#define DR7_GLOBAL_0	(1ul << 1)	/* DR0 is in use */
#define DR7_KIND_0	16		/* shift of its R/W and LEN, 4 bits */

#define MSR_EFER		0xc0000080
#define EFER_SCE		(1ul << 0)
#define EFER_LME		(1ul << 8)
#define EFER_NXE		(1ul << 11)
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_FMASK		0xc0000084
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102
#define MSR_APIC_BASE		0x1b
#define MSR_SYSENTER_CS		0x174

#define XCR0_X87_SSE	3u		/* what every XSAVE has */

/* GDT selectors.  SYSRET derives SS = STAR[63:48] + 8 and CS = STAR[63:48] + 16. */
#define SEL_KERNEL_CODE	0x08
#define SEL_KERNEL_DATA	0x10
#define SEL_SYSRET_BASE	0x1b		/* 0x18 | 3; slot 0x18 itself stays empty: no 32-bit code */
#define SEL_USER_DATA	0x23
#define SEL_USER_CODE	0x2b
#define SEL_TSS		0x30

#define X86_READ_CR(n)								\
	static inline uint64_t read_cr##n(void)					\
	{									\
		uint64_t v;							\
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v) : : "memory");	\
		return v;							\
	}
#define X86_WRITE_CR(n)								\
	static inline void write_cr##n(uint64_t v)				\
	{									\
		__asm__ volatile("mov %0, %%cr" #n : : "r"(v) : "memory");	\
	}
X86_READ_CR(0)
X86_READ_CR(2)
X86_READ_CR(3)
X86_READ_CR(4)
X86_WRITE_CR(0)
X86_WRITE_CR(2)
X86_WRITE_CR(3)
X86_WRITE_CR(4)

static inline uint64_t read_dr6(void)
{
	uint64_t v;

	__asm__ volatile("mov %%dr6, %0" : "=r"(v));
	return v;
}

static inline uint64_t read_dr7(void)
{
	uint64_t v;

	__asm__ volatile("mov %%dr7, %0" : "=r"(v));
	return v;
}

static inline void write_dr7(uint64_t v)
{
	__asm__ volatile("mov %0, %%dr7" : : "r"(v) : "memory");
}

static inline void write_dr6(uint64_t v)
{
	__asm__ volatile("mov %0, %%dr6" : : "r"(v));
}

static inline void write_dr0(uint64_t v)
{
	__asm__ volatile("mov %0, %%dr0" : : "r"(v));
}

/* Host tests plant what these find. */
struct cpuid_regs {
	uint32_t eax, ebx, ecx, edx;
};

#ifdef VESTIBULE_HOST
uint64_t rdmsr(uint32_t msr);
void wrmsr(uint32_t msr, uint64_t v);
struct cpuid_regs cpuid_raw(uint32_t leaf, uint32_t subleaf);
uint32_t mmio_read(volatile uint32_t *reg);
void mmio_write(volatile uint32_t *reg, uint32_t v);
#else
static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

static inline struct cpuid_regs cpuid_raw(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline uint32_t mmio_read(volatile uint32_t *reg)
{
	return *reg;
}

static inline void mmio_write(volatile uint32_t *reg, uint32_t v)
{
	*reg = v;
}
#endif

/* All zeroes for a leaf that this processor does not have: CPUID itself would answer with another's
 * values (SDM vol. 2A). Where there is no extended leaf at all, so does the one that says which is
 * the last. */
static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t subleaf)
{
	uint32_t last = cpuid_raw(leaf & 0x80000000u, 0).eax;

	if (leaf > last || (leaf ^ last) >> 16)
		return (struct cpuid_regs){ 0, 0, 0, 0 };
	return cpuid_raw(leaf, subleaf);
}

/* False where the processor answers with #GP. Any context where a fault in kernel mode is
 * allowed. (msr.asm) */
bool rdmsr_safe(uint32_t msr, uint64_t *v);
bool wrmsr_safe(uint32_t msr, uint64_t v);

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline void invlpg(uint64_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void cli(void) { __asm__ volatile("cli" : : : "memory"); }
static inline void sti(void) { __asm__ volatile("sti" : : : "memory"); }

/* Take what interrupts are pending. STI lets them in one instruction late: hence the NOP. */
static inline void irq_window(void) { __asm__ volatile("sti; nop; cli" : : : "memory"); }
static inline void cpu_pause(void) { __asm__ volatile("pause" : : : "memory"); }
static inline void stac(void) { __asm__ volatile("stac" : : : "memory"); }
static inline void clac(void) { __asm__ volatile("clac" : : : "memory"); }

static inline uint64_t read_rflags(void)
{
	uint64_t v;

	__asm__ volatile("pushfq; pop %0" : "=r"(v) : : "memory");
	return v;
}

#endif
