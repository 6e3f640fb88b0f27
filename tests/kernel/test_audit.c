/* SPDX-License-Identifier: MIT */
/* test_audit.c - the kernel roots: what may be Global, executable, writable; the host audits the
 * user roots. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/sched/sched.h"
#include "mm/aspace.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "tests/kernel/ktest.h"

#define LOWER_SLOTS 256

/* What has one frame for ever and no secret: entry text, IDTs, and of a CPU's block what all user
 * roots show. An entry stack keeps what its last user had. */
static bool may_be_global(uint64_t va)
{
	uint64_t page = (va - CEA_FIRST_BLOCK) / PAGE_SIZE % CEA_BLOCK_PAGES;

	if (!entry_mixed())
		return va >= DIRECT_MAP_BASE;
	if (va >= CPU_ENTRY_AREA_BASE && va < TRAMPOLINE_AREA_BASE)
		return va < CEA_FIRST_BLOCK || page < CEA_PRIVATE_PAGE;
	return entry_shown_by(va);
}

static bool check_leaf(void *ctx, uint64_t va, uint64_t e, uint64_t access, unsigned level)
{
	bool *failed = ctx;

	(void)level;
	KCHECK(!((access & PTE_W) && !(access & PTE_NX)));
	KCHECK(!(e & PTE_G) || may_be_global(va));
	KCHECK(va < DIRECT_MAP_BASE || !(e & PTE_U));
	if (*failed)
		printk("# at 0x%lx: entry 0x%lx\n", va, e);
	return !*failed;
}

KTEST(kernel_root_is_w_xor_x_and_global_only_where_allowed)
{
	pt_walk(kspace_boot_root(), 0, ~0ul, check_leaf, failed);
}

KTEST(lower_half_is_nx_in_the_kernel_root_of_a_split_design)
{
	struct aspace *as = aspace_create(NULL, boot_design);
	uint64_t start, *kernel, *user;
	unsigned used = 0;

	KCHECK(as);
	KCHECK(!aspace_map_anon(as, PAGE_SIZE, 0, &start));
	KCHECK(!aspace_fault(as, start, false, true));
	kernel = phys_to_virt(aspace_kernel_cr3(as));
	user = phys_to_virt(aspace_user_cr3(as));
	for (unsigned i = 0; i < LOWER_SLOTS; i++) {
		used += kernel[i] & PTE_P;
		KCHECK((kernel[i] & PTE_ADDR) == (user[i] & PTE_ADDR));
		KCHECK(!(kernel[i] & PTE_P) || !boot_design->split || (kernel[i] & PTE_NX));
		KCHECK(!(user[i] & PTE_NX));
	}
	KCHECK(used == 1);
	pt_walk(aspace_kernel_cr3(as), 0, ~0ul, check_leaf, failed);
	aspace_destroy(as, sched_point);
}

static bool writable(uint64_t va)
{
	unsigned level;
	uint64_t *e = pt_lookup(read_cr3() & PTE_ADDR, va, &level);

	return !e || (*e & PTE_W);
}

/* Where the CPU itself says that they are. */
KTEST(descriptor_tables_are_read_only_where_the_cpu_reads_them)
{
	struct table_register gdt, idt;
	uint64_t tss;
	uint16_t tr;

	__asm__ volatile("sgdt %0" : "=m"(gdt));
	__asm__ volatile("sidt %0" : "=m"(idt));
	__asm__ volatile("str %0" : "=r"(tr));
	const uint64_t *descriptor = (const uint64_t *)(gdt.base + (tr & ~7u));

	tss = (descriptor[0] >> 16 & 0xffffff) | (descriptor[0] >> 56 & 0xff) << 24 |
	      descriptor[1] << 32;
	KCHECK(!writable(gdt.base) && !writable(gdt.base + gdt.limit));
	KCHECK(!writable(idt.base) && !writable(idt.base + idt.limit));
	KCHECK(!writable(tss));
	KCHECK(tss / PAGE_SIZE == (tss + sizeof(struct tss) - 1) / PAGE_SIZE);
}
