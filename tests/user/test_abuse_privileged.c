/* SPDX-License-Identifier: MIT */
/* test_abuse_privileged.c - every instruction that is the kernel's alone, each in a child that it
 * must kill. */
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "user.h"

static char scratch[64] __attribute__((aligned(64)));

#define GP KILLED_BY(VECTOR_GP)
#define UD KILLED_BY(VECTOR_UD)
/* Depends on what the CPU has and how it numbers its checks; never allowed to succeed. */
#define DEAD (GP | UD)
/* QEMU before 9.1 pops a far return's frame as the supervisor: where there is SMAP, that is a
 * #PF. */
#define FAR (GP | KILLED_BY(VECTOR_PF))

/* name, assembly, allowed outcomes. Operand %0 is 64 bytes of memory. */
#define OFFENCES(X)								\
	X(hlt, "hlt", GP)							\
	X(cli, "cli", GP)							\
	X(sti, "sti", GP)							\
	X(clts, "clts", GP)							\
	X(read_cr0, "mov %%cr0, %%rax", GP)					\
	X(read_cr2, "mov %%cr2, %%rax", GP)					\
	X(read_cr3, "mov %%cr3, %%rax", GP)					\
	X(read_cr4, "mov %%cr4, %%rax", GP)					\
	X(read_cr8, "mov %%cr8, %%rax", GP)					\
	X(write_cr0, "xor %%eax, %%eax; mov %%rax, %%cr0", GP)			\
	X(write_cr2, "mov %%rax, %%cr2", GP)					\
	X(write_cr3, "xor %%eax, %%eax; mov %%rax, %%cr3", GP)			\
	X(write_cr4, "xor %%eax, %%eax; mov %%rax, %%cr4", GP)			\
	X(write_cr8, "xor %%eax, %%eax; mov %%rax, %%cr8", GP)			\
	X(read_dr7, "mov %%dr7, %%rax", GP)					\
	X(write_dr0, "mov %%rax, %%dr0", GP)					\
	X(write_dr7, "mov %%rax, %%dr7", GP)					\
	X(lmsw, "lmsw %%ax", GP)						\
	X(lgdt, "lgdt %0", GP)							\
	X(lidt, "lidt %0", GP)							\
	X(lldt, "xor %%eax, %%eax; lldt %%ax", GP)				\
	X(ltr, "mov $0x30, %%eax; ltr %%ax", GP)				\
	X(invlpg, "invlpg %0", GP)						\
	X(invpcid, "xor %%eax, %%eax; invpcid %0, %%rax", DEAD)			\
	X(wrmsr_lstar, "mov $0xc0000082, %%ecx; xor %%eax, %%eax; cltd; wrmsr", GP) \
	X(wrmsr_gs_base, "mov $0xc0000101, %%ecx; xor %%eax, %%eax; cltd; wrmsr", GP) \
	X(rdmsr_efer, "mov $0xc0000080, %%ecx; rdmsr", GP)			\
	X(rdpmc, "xor %%ecx, %%ecx; rdpmc", DEAD)				\
	X(xsetbv, "xor %%ecx, %%ecx; mov $7, %%eax; cltd; xsetbv", DEAD)	\
	X(inb, "in $0x60, %%al", GP)						\
	X(inl, "mov $0xcf8, %%edx; in %%dx, %%eax", GP)				\
	X(outb_console, "mov $0x3f8, %%edx; out %%al, %%dx", GP)		\
	X(outb_exit, "mov $0xf4, %%edx; mov $16, %%eax; out %%al, %%dx", GP)	\
	X(insb, "mov $0x60, %%edx; lea %0, %%rdi; insb", GP)			\
	X(outsb, "mov $0x80, %%edx; lea %0, %%rsi; outsb", GP)			\
	X(swapgs, "swapgs", GP)							\
	X(sysret, "lea 1f(%%rip), %%rcx; mov $0x202, %%r11d; sysretq; 1:", GP)	\
	X(sysexit, "sysexitq", DEAD)						\
	X(sysenter, "sysenter", DEAD)						\
	X(clac, "clac", DEAD)							\
	X(stac, "stac", DEAD)							\
	X(iretq_ring0, "mov %%rsp, %%rax; push $0x10; push %%rax; push $2; push $0x08; " \
		       "lea 1f(%%rip), %%rax; push %%rax; iretq; 1:", FAR)	\
	X(iretq_null_cs, "mov %%rsp, %%rax; push $0x23; push %%rax; push $2; push $0; " \
			 "lea 1f(%%rip), %%rax; push %%rax; iretq; 1:", FAR)	\
	X(lretq_ring0, "push $0x08; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:", FAR) \
	X(mov_ss_kernel, "mov $0x10, %%eax; mov %%eax, %%ss", GP)		\
	X(mov_ss_null, "xor %%eax, %%eax; mov %%eax, %%ss", GP)			\
	X(monitor, "lea %0, %%rax; xor %%ecx, %%ecx; xor %%edx, %%edx; monitor", DEAD) \
	X(vmcall, "vmcall", DEAD)						\
	X(vmmcall, "vmmcall", DEAD)						\
	X(vmxoff, "vmxoff", DEAD)						\
	X(vmrun, "xor %%eax, %%eax; vmrun", DEAD)				\
	X(vmload, "xor %%eax, %%eax; vmload", DEAD)				\
	X(stgi, "stgi", DEAD)							\
	X(clgi, "clgi", DEAD)							\
	X(skinit, "xor %%eax, %%eax; skinit", DEAD)				\
	X(invlpga, "xor %%eax, %%eax; xor %%ecx, %%ecx; invlpga", DEAD)		\
	X(rsm, "rsm", DEAD)							\
	X(xsaves, "xsaves64 %0", DEAD)						\
	X(wrfsbase, "wrfsbase %%rax", UD)					\
	X(wrgsbase, "wrgsbase %%rax", UD)					\
	X(rdgsbase, "rdgsbase %%rax", UD)					\
	X(ud2, "ud2", UD)							\
	/* UMIP, where there is any, makes these the kernel's too. */		\
	X(sgdt, "sgdt %0", GP | SURVIVES)					\
	X(sidt, "sidt %0", GP | SURVIVES)					\
	X(sldt, "sldt %%eax", GP | SURVIVES)					\
	X(str, "str %%eax", GP | SURVIVES)					\
	X(smsw, "smsw %%eax", GP | SURVIVES)

/* QEMU 10 and later let these pass at any privilege level, and do nothing. */
#define CACHE_OFFENCES(X) X(invd) X(wbinvd)

#define DEFINE(name, text, outcomes)						\
	static void do_##name(void)						\
	{									\
		__asm__ volatile(text : "+m"(scratch) : : "rax", "rcx", "rdx", "rsi", "rdi", \
				 "r11", "memory", "cc");				\
	}
#define ENTRY(name, text, outcomes) { #name, do_##name, outcomes },

#define DEFINE_CACHE(name)							\
	static void do_##name(void)						\
	{									\
		__asm__ volatile(#name : : : "memory");				\
		passed(#name);							\
	}
#define ENTRY_CACHE(name) { #name, do_##name, GP },

/* Does the processor say that it is QEMU's TCG? */
static bool is_tcg(void)
{
	struct cpuid_regs r;

	if (!(cpuid(1, 0).ecx >> 31))
		return false;
	r = cpuid_raw(0x40000000, 0);	/* no range that cpuid() knows */
	/* TCGTCGTCGTCG */
	return r.ebx == 0x54474354 && r.ecx == 0x43544743 && r.edx == 0x47435447;
}

/*
 * @name did not fault. Where this is TCG, at CPL 3, and the next privileged instruction does, it is
 * the emulator's fault: HLT ends this child as @name should have. If it is ours, this returns, and
 * the child has survived.
 */
static void passed(const char *name)
{
	uint64_t cs;

	__asm__("mov %%cs, %0" : "=r"(cs));
	if (!is_tcg() || (cs & 3) != 3)
		return;
	printf("# %s: this emulator lets it pass at CPL 3; HLT follows\n", name);
	__asm__ volatile("hlt");
}

OFFENCES(DEFINE)
CACHE_OFFENCES(DEFINE_CACHE)

static const struct offence offences[] = { OFFENCES(ENTRY) CACHE_OFFENCES(ENTRY_CACHE) };
#define COUNT (sizeof(offences) / sizeof(offences[0]))

/* With UMIP in the CPU the kernel must have switched it on: then nothing about its tables leaks. */
static void check_umip(void)
{
	if (!(cpuid(7, 0).ecx >> 2 & 1))
		return;
	test_child("test_abuse_privileged", "sgdt", GP);
	test_child("test_abuse_privileged", "sidt", GP);
	test_child("test_abuse_privileged", "str", GP);
}

int main(const char *arg, size_t len)
{
	int result = test_offences("test_abuse_privileged", arg, offences, COUNT);

	(void)len;
	if (starts_with(arg, "child="))
		return result;
	check_umip();
	return test_result();
}
