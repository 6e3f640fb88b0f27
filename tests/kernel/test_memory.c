/* SPDX-License-Identifier: MIT */
/* test_memory.c - allocators inside the real kernel: balance, alignment, guard pages, rights. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/sched/sched.h"
#include "mm/aspace.h"
#include "mm/frames.h"
#include "mm/heap.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"
#include "mm/stacks.h"
#include "mm/usercopy.h"
#include "tests/kernel/ktest.h"

KTEST(frames_balance)
{
	uint64_t before = frames_used(), a = frame_alloc(), b = frame_alloc(),
		 pair = frames_alloc_order(1);

	KCHECK(a && b && pair && a != b);
	KCHECK(!(pair & (2 * PAGE_SIZE - 1)));
	KCHECK(frames_used() == before + 4);
	frame_free(a);
	frame_free(b);
	frames_free_order(pair, 1);
	KCHECK(frames_used() == before);
}

KTEST(heap_is_zeroed_and_reused)
{
	char *a = kzalloc(100), *b;

	KCHECK(a);
	for (int i = 0; i < 100; i++)
		a[i] = 0x5a;
	kfree(a);
	b = kzalloc(100);
	KCHECK(b);
	for (int i = 0; i < 100; i++)
		KCHECK(b[i] == 0);
	kfree(b);
}

#define OBJECTS	512u		/* of the smallest class, 128 to a page: some pages are full */
#define OBJECT	32u

static uint64_t *objects[OBJECTS];

/* Free those in one half of each page, and give back what is free. The others stay what they are,
 * each half in its turn. */
static bool other_half_stays(uint64_t half)
{
	bool same = true;

	for (unsigned i = 0; i < OBJECTS; i++) {
		objects[i] = kzalloc(OBJECT);
		*objects[i] = (uintptr_t)objects[i];
	}
	for (unsigned i = 0; i < OBJECTS; i++)
		if (((uintptr_t)objects[i] / (PAGE_SIZE / 2) & 1) == half) {
			kfree(objects[i]);
			objects[i] = NULL;
		}
	while (heap_shrink())
		;
	for (unsigned i = 0; i < OBJECTS; i++) {
		same &= !objects[i] || *objects[i] == (uintptr_t)objects[i];
		kfree(objects[i]);
	}
	return same;
}

KTEST(a_page_with_an_object_in_use_stays)
{
	uint64_t before = heap_objects();

	KCHECK(other_half_stays(0));
	KCHECK(other_half_stays(1));
	KCHECK(heap_objects() == before && !heap_check());
}

KTEST(kernel_stack_has_a_guard)
{
	uint64_t top = kstack_alloc(), bottom = top - KSTACK_PAGES * PAGE_SIZE;
	const char *what = NULL;
	unsigned level;

	KCHECK(top);
	KCHECK(pt_lookup(read_cr3(), top - 8, &level));
	KCHECK(pt_lookup(read_cr3(), bottom, &level));
	KCHECK(!pt_lookup(read_cr3(), bottom - 8, &level));
	KCHECK(stack_guard_hit(bottom - 8, &what) && what);
	KCHECK(!stack_guard_hit(bottom, &what) && !stack_guard_hit(top - 8, &what));
	kstack_free(top);
}

KTEST(cpu_entry_area_is_read_only_where_the_cpu_looks)
{
	uint64_t pages[] = {
		cea_idt(boot_design->number), cea_page(0, CEA_GDT_PAGE), cea_page(0, CEA_TSS_PAGE),
	};
	unsigned level;

	for (int i = 0; i < 3; i++) {
		uint64_t *pte = pt_lookup(read_cr3(), pages[i], &level);

		KCHECK(pte && !(*pte & PTE_W) && (*pte & PTE_NX) && !(*pte & PTE_U));
	}
	KCHECK(!pt_lookup(read_cr3(), cea_page(0, CEA_PRIVATE_PAGE + 1), &level));
}

KTEST(write_protection_is_on)
{
	KCHECK(read_cr0() & CR0_WP);
	KCHECK(!(cpu_features & CPU_SMEP) || read_cr4() & CR4_SMEP);
	KCHECK(!(cpu_features & CPU_SMAP) || read_cr4() & CR4_SMAP);
	KCHECK(!(cpu_features & CPU_UMIP) || read_cr4() & CR4_UMIP);
	KCHECK(rdmsr(MSR_EFER) & EFER_NXE);
}

KTEST(address_space_balance)
{
	uint64_t frames, tables, charged, start;
	struct aspace *as = aspace_create(NULL, boot_design);

	KCHECK(as);
	KCHECK(!aspace_map_anon(as, 3 * PAGE_SIZE, PTE_W | PTE_NX, &start));
	KCHECK(!aspace_fault(as, start + PAGE_SIZE, true, false));
	KCHECK(aspace_fault(as, start + 3 * PAGE_SIZE, false, false) == -EFAULT);
	KCHECK(aspace_fault(as, start, false, true) == -EFAULT);
	charged = as->frames;
	for (unsigned i = 0; i < PAGE_SIZE / 32; i++)	/* more than a frame of regions, were
							 * they kept */
		KCHECK(aspace_add_region(as, start, PAGE_SIZE, PTE_W | PTE_NX) == -EEXIST);
	KCHECK(as->frames == charged);
	KCHECK(aspace_unmap(as, start, PAGE_SIZE, sched_point) == -EINVAL);
	KCHECK(!aspace_unmap(as, start, 3 * PAGE_SIZE, sched_point));
	aspace_destroy(as, sched_point);
	as = aspace_create(NULL, boot_design);		/* the heap page that the first one took
							 * stays the heap's */
	frames = frames_used();
	tables = pt_pages();
	KCHECK(!aspace_map_anon(as, PAGE_SIZE, PTE_W | PTE_NX, &start));
	KCHECK(!aspace_fault(as, start, true, false));
	KCHECK(!aspace_unmap(as, start, PAGE_SIZE, sched_point));
	KCHECK(frames_used() == frames);
	KCHECK(pt_pages() == tables);
	aspace_destroy(as, sched_point);
}

KTEST(user_copy_refuses_the_kernel_half)
{
	uint64_t word = 1;

	KCHECK(copy_from_user(&word, DIRECT_MAP_BASE, 8) == -EFAULT);
	KCHECK(copy_from_user(&word, USER_END - 4, 8) == -EFAULT);
	KCHECK(copy_from_user(&word, UINT64_MAX - 3, 8) == -EFAULT);
	KCHECK(copy_to_user((uint64_t)&word, &word, 8) == -EFAULT);
	KCHECK(word == 1);
}

/* Also where RAM lies above them: a boot of 5 GiB runs this. */
KTEST(the_direct_map_shows_ram_and_no_devices)
{
	KCHECK(kspace_in_direct_map(0, PAGE_SIZE));
	KCHECK(kspace_in_direct_map(frames_ram_end() - PAGE_SIZE, PAGE_SIZE));
	KCHECK(!kspace_in_direct_map(acpi.lapic_pa, PAGE_SIZE));
	for (uint32_t i = 0; i < acpi.ioapic_count; i++)
		KCHECK(!kspace_in_direct_map(acpi.ioapics[i].pa, PAGE_SIZE));
}
