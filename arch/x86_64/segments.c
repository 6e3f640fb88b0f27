/* SPDX-License-Identifier: MIT */
/*
 * segments.c - a program's FS base and data-segment selectors.
 *
 * Long mode ignores DS and ES, but a program can load and read them, so they are
 * state, and a channel between programs where the kernel forgets them.  Almost every
 * program leaves all four at 0, so that is the path without a segment load.
 */
#include "arch/x86_64/segments.h"
#include "arch/x86_64/x86.h"

static uint64_t read_selectors(void)
{
	uint32_t ds, es, fs, gs;

	__asm__ volatile("mov %%ds, %0\n\tmov %%es, %1\n\tmov %%fs, %2\n\tmov %%gs, %3"
			 : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	return (uint64_t)(uint16_t)ds | (uint64_t)(uint16_t)es << 16 |
	       (uint64_t)(uint16_t)fs << 32 | (uint64_t)(uint16_t)gs << 48;
}

static void write_selectors(uint64_t s)
{
	__asm__ volatile("mov %w0, %%ds" : : "r"((uint32_t)s));
	__asm__ volatile("mov %w0, %%es" : : "r"((uint32_t)(s >> 16)));
	__asm__ volatile("mov %w0, %%fs" : : "r"((uint32_t)(s >> 32)));
	/* Loading GS replaces the active base: between the SWAPGS pair that is the user's, which
	 * stays 0. An NMI in between reads GS_BASE and is not misled. */
	__asm__ volatile("swapgs\n\tmov %w0, %%gs\n\tswapgs"
			 :
			 : "r"((uint32_t)(s >> 48))
			 : "memory");
}

void segments_save(struct user_segments *s)
{
	s->selectors = read_selectors();
	s->fs_base = rdmsr(MSR_FS_BASE);	/* a program that loads FS changes it without a
						 * system call */
}

void segments_load(const struct user_segments *s)
{
	if (s->selectors || read_selectors())
		write_selectors(s->selectors);
	wrmsr(MSR_FS_BASE, s->fs_base);	/* after FS: loading the selector replaces the base */
}
