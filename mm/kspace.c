/* SPDX-License-Identifier: MIT */
/*
 * kspace.c - the kernel half of every root.
 *
 * The boot root's top-level entries are the originals: every kernel root copies
 * them, and the boot pair's user root plays the same part for user roots.  All
 * slots in use are filled before the first copy is taken.
 *
 * Global: in an unsplit design the whole kernel half, as in any kernel without
 * isolation.  In a split one only what all user roots show identically.  A
 * Global kernel page beyond that would stay in the TLB across the flip out, and
 * Meltdown would be back.
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
static uint64_t mmio_next = MMIO_AREA_BASE;

static uint64_t image_pa(const char *symbol)
{
	return (uint64_t)symbol - KERNEL_IMAGE_BASE;
}

static uint64_t user_set(void)
{
	return boot_root + PAGE_SIZE;
}

static uint64_t global_bit(bool visible)
{
	return (cpu_features & CPU_PGE) && (visible || !boot_design->split) ? PTE_G : 0;
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
		.flags = PTE_NX | global_bit(false), .huge = cpu_features & CPU_PDPE1GB,
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

/* --- kernel image ---------------------------------------------------------- */

static void map_image_part(const char *start, const char *end, uint64_t flags)
{
	for (uint64_t va = (uint64_t)start; va < (uint64_t)end; va += PAGE_SIZE) {
		bool visible = entry_shows(boot_design, va);
		uint64_t all = flags | global_bit(visible);

		must(pt_map(boot_root, va, va - KERNEL_IMAGE_BASE, all, NULL), "the kernel image");
		if (visible && boot_design->split)
			must(pt_map(user_set(), va, va - KERNEL_IMAGE_BASE, all, NULL),
			     "the entry text");
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

static void fill_slots(void)
{
	static const uint64_t areas[] = {
		DIRECT_MAP_BASE, KSTACK_AREA_BASE, HEAP_AREA_BASE, MMIO_AREA_BASE,
		CPU_ENTRY_AREA_BASE, KERNEL_IMAGE_BASE,
	};

	for (unsigned i = 0; i < sizeof(areas) / sizeof(areas[0]); i++)
		must(pt_fill_slot(boot_root, pt_index(areas[i], 4)), "filling the top level");
	if (!boot_design->split)
		return;			/* no trampolines, no second set */
	must(pt_fill_slot(boot_root, pt_index(TRAMPOLINE_AREA_BASE, 4)), "filling the top level");
	must(pt_fill_slot(user_set(), pt_index(CPU_ENTRY_AREA_BASE, 4)), "filling the top level");
	must(pt_fill_slot(user_set(), pt_index(KERNEL_IMAGE_BASE, 4)), "filling the top level");
}

void kspace_init(const struct bootinfo *bi)
{
	boot_root = frames_alloc_order(boot_design->split ? 1 : 0);
	if (!boot_root)
		panic("kernel address space: no memory for the boot root");
	page_zero(phys_to_virt(boot_root));
	if (boot_design->split)
		page_zero(phys_to_virt(user_set()));
	fill_slots();
	build_direct_map(bi);
	if (bi->archive_len && !kspace_in_direct_map(bi->archive_pa, bi->archive_len))
		panic("boot archive at 0x%lx lies outside RAM", bi->archive_pa);
	map_image();
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

void kspace_fill_user_root(uint64_t user_root)
{
	copy_kernel_half(user_root, user_set());
}

bool kspace_is_shared_slot(unsigned slot)
{
	uint64_t root = boot_design->split ? user_set() : boot_root;

	return ((const uint64_t *)phys_to_virt(root))[slot] & PTE_P;
}

/* --- mapping after boot ---------------------------------------------------- */

/* Roots that exist already would never see a new top-level entry. */
static void check_slot(uint64_t root, uint64_t va)
{
	if (!(((uint64_t *)phys_to_virt(root))[pt_index(va, 4)] & PTE_P))
		panic("kernel half: the top-level slot of 0x%lx was not filled at boot", va);
}

static int map_locked(uint64_t root, uint64_t va, uint64_t pa, uint64_t flags)
{
	check_slot(root, va);
	return pt_map(root, va, pa, flags, NULL);
}

int kspace_map(uint64_t va, uint64_t pa, uint64_t flags)
{
	int err;

	spin_lock_checked(&kspace_lock);
	err = map_locked(boot_root, va, pa, flags | global_bit(false));
	spin_unlock(&kspace_lock);
	return err;
}

int kspace_map_visible(uint64_t va, uint64_t pa, uint64_t flags)
{
	int err;

	spin_lock_checked(&kspace_lock);
	err = boot_design->split ? pt_prepare(user_set(), va) : 0;
	if (!err)
		err = map_locked(boot_root, va, pa, flags | global_bit(true));
	if (!err && boot_design->split)	/* nothing can fail any more: the first mapping may be in
					 * use */
		must(map_locked(user_set(), va, pa, flags | global_bit(true)),
		     "mapping a visible page");
	spin_unlock(&kspace_lock);
	return err;
}

uint64_t kspace_map_new(uint64_t va, uint64_t flags, bool visible)
{
	uint64_t pa = frame_alloc_zeroed();

	if (pa && (visible ? kspace_map_visible(va, pa, flags) : kspace_map(va, pa, flags))) {
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

uint64_t kspace_unmap_visible(uint64_t va)
{
	uint64_t old;

	spin_lock_checked(&kspace_lock);
	old = pt_unmap(boot_root, va, NULL);
	if (boot_design->split)
		pt_unmap(user_set(), va, NULL);
	spin_unlock(&kspace_lock);
	tlb_flush_kernel_half();
	return old;
}

volatile void *kspace_map_mmio(uint64_t pa, uint64_t len)
{
	uint64_t flags = PTE_W | PTE_NX | PTE_PCD | PTE_PWT | global_bit(false);
	uint64_t first = pa & -(uint64_t)PAGE_SIZE, va;
	uint64_t size = (pa + len - first + PAGE_SIZE - 1) & -(uint64_t)PAGE_SIZE;

	spin_lock_checked(&kspace_lock);
	va = mmio_next;
	if (size > MMIO_AREA_BASE + MMIO_AREA_SIZE - va)
		panic("MMIO area: no room for 0x%lx bytes at 0x%lx", len, pa);
	for (uint64_t o = 0; o < size; o += PAGE_SIZE)
		must(map_locked(boot_root, va + o, first + o, flags), "mapping device registers");
	mmio_next = va + size;
	spin_unlock(&kspace_lock);
	return (volatile void *)(va + (pa - first));
}
