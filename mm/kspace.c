/* SPDX-License-Identifier: MIT */
/*
 * kspace.c - the kernel half of every root.
 *
 * The boot root's top-level entries are the originals: every kernel root copies
 * them.  What user roots show is a template for each design that splits: its
 * top-level entries, under which trees of its own hang, are copied likewise.
 * All slots in use are filled before the first copy is taken.
 *
 * Global: in the boot of an unsplit design the whole kernel half, as in any
 * kernel without isolation.  In any other a page is Global only if it has one
 * frame with the same rights at its address in whatever root shows it, and holds
 * nothing that a process of another design must not read: an entry of it stays in
 * the TLB across the flip out and across the switch to such a process, and
 * Meltdown reads what the TLB has.  Whoever maps such a page says PTE_G.
 */
#include "mm/kspace.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/console/panic.h"
#include "kernel/lib/image.h"
#include "kernel/lib/string.h"
#include "kernel/sync/spinlock.h"
#include "mm/directmap.h"
#include "mm/frames.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "mm/tlb.h"

#define MMIO_AREA_SIZE	0x40000000ul	/* more than any machine's register windows that we map */

extern const char kernel_text_start[], kernel_text_end[];
extern const char kernel_rodata_start[], kernel_rodata_end[];
extern const char kernel_data_start[], kernel_data_end[];

uint64_t phys_offset;			/* 0: the boot code's identity map */

static struct spinlock kspace_lock;
static uint64_t boot_root;
static uint64_t templates[ENTRY_DESIGNS_MAX];	/* by design; 0: its spaces have no user root */
static uint64_t mmio_next = MMIO_AREA_BASE;

static uint64_t image_pa(const char *symbol)
{
	return (uint64_t)symbol - KERNEL_IMAGE_BASE;
}

/* @flags with Global as it may be in this boot; PTE_G: the page is harmless. */
static uint64_t with_global(uint64_t flags)
{
	bool global = (cpu_features & CPU_PGE) && (!entry_mixed() || (flags & PTE_G));

	return global ? flags | PTE_G : flags & ~PTE_G;
}

static void must(int err, const char *what)
{
	if (err)
		panic("kernel address space: %s failed with error %d", what, -err);
}

/* --- direct map ------------------------------------------------------------ */

static void build_direct_map(const struct bootinfo *bi)
{
	const struct direct_map m = {
		.mem = bi->mem, .count = bi->mem_count, .end = frames_ram_end(),
		.read_only = {
			{ image_pa(kernel_text_start), image_pa(kernel_rodata_end) },
			{ image_pa(image.probe_text), image_pa(image.probe_rodata_end) },
		},
		.flags = with_global(PTE_NX), .huge = cpu_features & CPU_PDPE1GB,
	};

	must(direct_map_build(&m, boot_root), "the direct map");
}

bool kspace_in_direct_map(uint64_t pa, uint64_t len)
{
	uint64_t last = pa + len - 1;
	unsigned level;

	if (!len || last < pa || last >= DIRECT_MAP_SIZE)
		return false;
	for (uint64_t page = pa & -(uint64_t)PAGE_SIZE; page <= last; page += PAGE_SIZE) {
		uint64_t *e = pt_lookup(boot_root, DIRECT_MAP_BASE + page, &level);

		if (!e || !(*e & PTE_P))
			return false;
	}
	return true;
}

/* --- one page, wherever it is shown ------------------------------------------ */

/* Roots that exist already would never see a new top-level entry. */
static void check_slot(uint64_t root, uint64_t va)
{
	if (!(((uint64_t *)phys_to_virt(root))[pt_index(va, 4)] & PTE_P))
		panic("kernel half: the top-level slot of 0x%lx was not filled at boot", va);
}

static int map_in(uint64_t root, uint64_t va, uint64_t pa, uint64_t flags)
{
	check_slot(root, va);
	return pt_map(root, va, pa, flags, NULL);
}

/* The template of the @n-th design, if it has one and is in the set @shown; or 0. */
static uint64_t template_of(unsigned n, uint32_t shown)
{
	return shown >> n & 1 ? templates[n] : 0;
}

/* In the boot root, and in the templates of the designs @shown. 0, or a negative errno and nothing
 * has changed but for page tables. Locked, or at boot. */
static int map_shown(uint64_t va, uint64_t pa, uint64_t flags, uint32_t shown)
{
	int err = 0;

	flags = with_global(flags);
	for (unsigned n = 0; !err && n < entry_design_count(); n++)
		if (template_of(n, shown))
			err = pt_prepare(template_of(n, shown), va);
	if (!err)
		err = map_in(boot_root, va, pa, flags);
	/* Nothing can fail any more: the first mapping may be in use. */
	for (unsigned n = 0; !err && n < entry_design_count(); n++)
		if (template_of(n, shown))
			must(map_in(template_of(n, shown), va, pa, flags), "a user root's page");
	return err;
}

/* --- kernel image ---------------------------------------------------------- */

/* Entry text and its constants tell nobody anything: one image file serves every machine. */
static void map_image_part(const char *start, const char *end, uint64_t flags)
{
	for (uint64_t va = (uint64_t)start; va < (uint64_t)end; va += PAGE_SIZE) {
		uint32_t shown = entry_shown_by(va);

		must(map_shown(va, va - KERNEL_IMAGE_BASE, flags | (shown ? PTE_G : 0), shown),
		     "the kernel image");
	}
}

static void map_image(void)
{
	map_image_part(kernel_text_start, kernel_text_end, 0);
	map_image_part(kernel_rodata_start, kernel_rodata_end, PTE_NX);
	map_image_part(kernel_data_start, kernel_data_end, PTE_NX | PTE_W);
	map_image_part(image.probe_text, image.probe_text_end, 0);
	map_image_part(image.probe_rodata, image.probe_rodata_end, PTE_NX);
	map_image_part(image.probe_data, image.probe_data_end, PTE_NX | PTE_W);
}

/* --- roots ----------------------------------------------------------------- */

/* 2^@order frames for top-level tables, zeroed. */
static uint64_t new_root(unsigned order)
{
	uint64_t root = frames_alloc_order(order);

	if (!root)
		panic("kernel address space: no memory for the first page tables");
	for (unsigned i = 0; i < 1u << order; i++)
		page_zero(phys_to_virt(root + i * PAGE_SIZE));
	return root;
}

static void fill_slots(void)
{
	static const uint64_t areas[] = {
		DIRECT_MAP_BASE, KSTACK_AREA_BASE, HEAP_AREA_BASE, MMIO_AREA_BASE,
		CPU_ENTRY_AREA_BASE, KERNEL_IMAGE_BASE,
	};

	for (unsigned i = 0; i < sizeof(areas) / sizeof(areas[0]); i++)
		must(pt_fill_slot(boot_root, pt_index(areas[i], 4)), "filling the top level");
	if (!entry_mixed())
		return;			/* no trampolines, no user roots */
	must(pt_fill_slot(boot_root, pt_index(TRAMPOLINE_AREA_BASE, 4)), "filling the top level");
	for (unsigned n = 0; n < entry_design_count(); n++) {
		if (!entry_design_at(n)->split)
			continue;
		templates[n] = new_root(0);
		must(pt_fill_slot(templates[n], pt_index(CPU_ENTRY_AREA_BASE, 4)), "a template");
		must(pt_fill_slot(templates[n], pt_index(KERNEL_IMAGE_BASE, 4)), "a template");
	}
}

void kspace_init(const struct bootinfo *bi)
{
	boot_root = new_root(entry_mixed());
	fill_slots();
	build_direct_map(bi);
	if (bi->archive_len && !kspace_in_direct_map(bi->archive_pa, bi->archive_len))
		panic("boot archive at 0x%lx lies outside RAM", bi->archive_pa);
	map_image();
	if (entry_mixed())
		kspace_fill_user_root(boot_root + PAGE_SIZE, boot_design);
	tlb_boot_space = (struct tlb_space){ .root = boot_root, .split = boot_design->split };
	write_cr3(boot_root);		/* the identity map ends here */
	phys_offset = DIRECT_MAP_BASE;
}

uint64_t kspace_boot_root(void)
{
	return boot_root;
}

static void copy_kernel_half(uint64_t to, uint64_t from)
{
	memcpy((uint64_t *)phys_to_virt(to) + 256, (const uint64_t *)phys_to_virt(from) + 256,
	       256 * sizeof(uint64_t));
}

void kspace_fill_kernel_root(uint64_t root)
{
	copy_kernel_half(root, boot_root);
}

void kspace_fill_user_root(uint64_t user_root, const struct entry_design *d)
{
	copy_kernel_half(user_root, templates[d->number]);
}

uint64_t kspace_template(const struct entry_design *d)
{
	return templates[d->number];
}

bool kspace_is_shared_slot(const struct entry_design *d, unsigned slot)
{
	uint64_t root = kspace_template(d) ? kspace_template(d) : boot_root;

	return ((const uint64_t *)phys_to_virt(root))[slot] & PTE_P;
}

/* --- mapping after boot ---------------------------------------------------- */

int kspace_map(uint64_t va, uint64_t pa, uint64_t flags, uint32_t shown)
{
	int err;

	spin_lock_checked(&kspace_lock);
	err = map_shown(va, pa, flags, shown);
	spin_unlock(&kspace_lock);
	return err;
}

uint64_t kspace_map_new(uint64_t va, uint64_t flags, uint32_t shown)
{
	uint64_t pa = frame_alloc_zeroed();

	if (pa && kspace_map(va, pa, flags, shown)) {
		frame_free(pa);
		return 0;
	}
	return pa;
}

/* Tables stay: another CPU may just map something below one, and a stale pointer to it would be
 * a fault in the kernel. */
uint64_t kspace_unmap(uint64_t va)
{
	uint64_t old;

	spin_lock_checked(&kspace_lock);
	old = pt_unmap(boot_root, va, NULL);
	spin_unlock(&kspace_lock);
	return old;
}

volatile void *kspace_map_mmio(uint64_t pa, uint64_t len)
{
	uint64_t flags = PTE_W | PTE_NX | PTE_PCD | PTE_PWT;
	uint64_t first = pa & -(uint64_t)PAGE_SIZE, va;
	uint64_t size = (pa + len - first + PAGE_SIZE - 1) & -(uint64_t)PAGE_SIZE;

	spin_lock_checked(&kspace_lock);
	va = mmio_next;
	if (size > MMIO_AREA_BASE + MMIO_AREA_SIZE - va)
		panic("MMIO area: no room for 0x%lx bytes at 0x%lx", len, pa);
	for (uint64_t o = 0; o < size; o += PAGE_SIZE)
		must(map_shown(va + o, first + o, flags, DESIGNS_NONE), "mapping device registers");
	mmio_next = va + size;
	spin_unlock(&kspace_lock);
	return (volatile void *)(va + (pa - first));
}
