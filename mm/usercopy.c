/* SPDX-License-Identifier: MIT */
/* usercopy.c - range checks, SMAP and faults around the loop in usercopy.asm. */
#include "mm/usercopy.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/x86.h"
#include "kernel/abi.h"
#include "mm/layout.h"

uint64_t usercopy(void *dst, const void *src, size_t n);
extern const char usercopy_end[];

struct fixup {
	uint64_t rip, go_on;
};
extern const struct fixup ex_table_start[], ex_table_end[];

/* The whole range lies below the last page of the user half. The page tables decide the rest. */
static bool in_user_half(uint64_t va, size_t n)
{
	return n <= USER_END && va <= USER_END - n;
}

/* SMAP is open for the copy only; STAC does not exist without it. */
static int copy(void *dst, const void *src, size_t n)
{
	bool smap = cpu_features & CPU_SMAP;
	uint64_t fault;

	if (smap)
		stac();
	fault = usercopy(dst, src, n);
	if (smap)
		clac();
	return fault ? -EFAULT : 0;
}

int copy_from_user(void *dst, uint64_t src, size_t n)
{
	return in_user_half(src, n) ? copy(dst, (const void *)src, n) : -EFAULT;
}

int copy_to_user(uint64_t dst, const void *src, size_t n)
{
	return in_user_half(dst, n) ? copy((void *)dst, src, n) : -EFAULT;
}

bool usercopy_contains(uint64_t rip)
{
	return rip >= (uint64_t)usercopy && rip < (uint64_t)usercopy_end;
}

uint64_t usercopy_fixup(uint64_t rip)
{
	for (const struct fixup *f = ex_table_start; f < ex_table_end; f++)
		if (f->rip == rip)
			return f->go_on;
	return 0;
}
