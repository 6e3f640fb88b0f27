/* SPDX-License-Identifier: MIT */
/*
 * test_shootdown.c - shootdowns between real CPUs.
 *
 * Threads of the kernel run here with interrupts off, each nailed to a CPU, so a request is only
 * answered where the kernel promises to answer it: in a loop that waits for a lock or for an
 * acknowledgement.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "arch/x86_64/xcall.h"
#include "entry/design.h"
#include "kernel/console/panic.h"
#include "kernel/object/process.h"
#include "kernel/sched/sched.h"
#include "kernel/sync/spinlock.h"
#include "mm/aspace.h"
#include "mm/frames.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "mm/tlb.h"
#include "mm/usercopy.h"
#include "tests/kernel/ktest.h"

#define ROUNDS 16u
#define SHOTS 6u

static struct shared {
	struct aspace *as;
	struct spinlock lock;		/* the third CPU's, for most of a round */
	uint64_t va;			/* this round's page */
	uint32_t round;			/* set by the third CPU, under the lock */
	uint32_t wants_lock, unmapped;	/* last round in which that happened */
	uint32_t shot, done;		/* counts both CPUs */
	uint32_t loaded, left;		/* CPUs */
	uint32_t stale, lost;
} shared;

/* Where memory is short there is nothing to test. */
static struct aspace *new_space(void)
{
	struct aspace *as = aspace_create(NULL, boot_design);

	if (!as)
		panic("no memory for a test's address space");
	return as;
}

static uint32_t get(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void set(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static void wait_for(const uint32_t *p, uint32_t v)
{
	while (get(p) != v) {
		xcall_serve();
		cpu_pause();
	}
}

static bool present(uint64_t va)
{
	uint64_t word;

	return !copy_from_user(&word, va, sizeof(word));
}

/* Both at once; every other time everything goes. Then neither CPU has anything left to answer. */
static void shoot_at_each_other(uint32_t round)
{
	for (unsigned i = 0; i < SHOTS; i++) {
		tlb_flush_user_pages(&shared.as->tlb, &shared.va, 1 + i % 2 * TLB_BATCH);
		__atomic_add_fetch(&shared.lost, !present(shared.va), __ATOMIC_RELAXED);
	}
	__atomic_add_fetch(&shared.shot, 1, __ATOMIC_RELEASE);
	wait_for(&shared.shot, 2 * round);
}

/* Sees the page, waits for the lock, and does not see the page any more. */
static void wait_for_the_lock(uint32_t round)
{
	__atomic_add_fetch(&shared.lost, !present(shared.va), __ATOMIC_RELAXED);
	set(&shared.wants_lock, round);
	spin_lock(&shared.lock);
	spin_unlock(&shared.lock);
	__atomic_add_fetch(&shared.stale, present(shared.va), __ATOMIC_RELAXED);
}

/* Takes the page away from under a CPU that waits for the lock, then wants it, too. */
static void unmap_under_the_waiter(uint32_t round)
{
	wait_for(&shared.wants_lock, round);
	aspace_unmap(shared.as, shared.va, PAGE_SIZE, sched_point);
	__atomic_add_fetch(&shared.stale, present(shared.va), __ATOMIC_RELAXED);
	set(&shared.unmapped, round);
	spin_lock(&shared.lock);
	spin_unlock(&shared.lock);
}

static void shooter(void *odd)
{
	tlb_load(&shared.as->tlb);
	__atomic_add_fetch(&shared.loaded, 1, __ATOMIC_RELEASE);
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		wait_for(&shared.round, round);
		shoot_at_each_other(round);
		if ((round & 1) == (odd != NULL))
			wait_for_the_lock(round);
		else
			unmap_under_the_waiter(round);
		__atomic_add_fetch(&shared.done, 1, __ATOMIC_RELEASE);
	}
	tlb_load(NULL);
	__atomic_add_fetch(&shared.left, 1, __ATOMIC_RELEASE);
}

static bool start_on(uint32_t cpu, void (*main)(void *), void *arg)
{
	struct thread *t = thread_create_kernel(main, arg);

	if (!t)
		return false;
	sched_set_affinity(t, 1ul << cpu);
	t->cpu = &cpus[cpu];
	sched_make_ready(t);
	return true;
}

/* One round of the third CPU: holds the lock until the page is gone, hears requests all the
 * same. */
static bool hold_the_lock(uint32_t round)
{
	spin_lock(&shared.lock);
	if (aspace_map_anon(shared.as, PAGE_SIZE, PTE_W | PTE_NX, &shared.va) ||
	    !aspace_populate(shared.as, shared.va))
		return false;
	set(&shared.round, round);
	wait_for(&shared.unmapped, round);
	spin_unlock(&shared.lock);
	wait_for(&shared.done, 2 * round);
	return !present(shared.va);
}

KTEST(two_cpus_shoot_at_each_other_while_a_third_holds_the_lock)
{
	uint64_t ipis = xcall_ipis_sent;

	if (cpu_count < 3)
		return;
	shared.as = new_space();
	KCHECK(start_on(1, shooter, NULL) && start_on(2, shooter, &shared));
	wait_for(&shared.loaded, 2);
	tlb_load(&shared.as->tlb);
	for (uint32_t round = 1; round <= ROUNDS; round++)
		KCHECK(hold_the_lock(round));
	tlb_load(NULL);
	wait_for(&shared.left, 2);
	KCHECK(!shared.stale && !shared.lost && !shared.as->tlb.cpus);
	KCHECK(xcall_ipis_sent - ipis >= ROUNDS);
	aspace_destroy(shared.as, sched_point);
}

/* --- the kernel half ---------------------------------------------------------------------- */

#define KERNEL_PAGE (MMIO_AREA_BASE + 0x2000000000)

static uint32_t kernel_round, kernel_seen, kernel_stale;

/* Looks at the page all the time, so that it has every translation that there is. */
static void read_kernel_page(void *arg)
{
	const volatile uint32_t *word = (const volatile uint32_t *)KERNEL_PAGE;

	(void)arg;
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		while (get(&kernel_round) != round) {
			(void)*word;
			xcall_serve();
			cpu_pause();
		}
		__atomic_add_fetch(&kernel_stale, *word != round, __ATOMIC_RELAXED);
		__atomic_add_fetch(&kernel_seen, 1, __ATOMIC_RELEASE);
	}
}

/* Each round another frame comes to the address; once the flush has returned nobody sees the
 * old one. */
KTEST(a_kernel_page_is_gone_on_all_cpus)
{
	uint64_t pa[2] = { frame_alloc_zeroed(), frame_alloc_zeroed() };
	unsigned level;

	KCHECK(!kspace_map(KERNEL_PAGE, pa[0], PTE_W | PTE_NX, DESIGNS_NONE));
	for (uint32_t cpu = 1; cpu < cpu_count; cpu++)
		KCHECK(start_on(cpu, read_kernel_page, NULL));
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		*(uint32_t *)phys_to_virt(pa[round & 1]) = round;
		*pt_lookup(kspace_boot_root(), KERNEL_PAGE, &level) =
			pa[round & 1] | PTE_P | PTE_W | PTE_NX;
		tlb_flush_kernel_half();
		set(&kernel_round, round);
		wait_for(&kernel_seen, round * (cpu_count - 1));
	}
	KCHECK(!kernel_stale);
	kspace_unmap(KERNEL_PAGE);
	tlb_flush_kernel_half();
	frame_free(pa[0]);
	frame_free(pa[1]);
}

/* --- who is interrupted --------------------------------------------------------------------- */

static struct aspace *visited;
static uint32_t visits;

static void visit(void *arg)
{
	(void)arg;
	tlb_load(&visited->tlb);
	tlb_load(NULL);
	__atomic_add_fetch(&visits, 1, __ATOMIC_RELEASE);
}

/* Neither those that never ran the space nor those that left it are interrupted. */
KTEST(only_cpus_that_run_the_space_are_interrupted)
{
	uint64_t ipis = xcall_ipis_sent, va = USER_MAP_BASE;

	visited = new_space();
	if (cpu_count > 1) {
		KCHECK(start_on(1, visit, NULL));
		wait_for(&visits, 1);
	}
	tlb_load(&visited->tlb);
	tlb_flush_user_pages(&visited->tlb, &va, 1);
	tlb_load(NULL);
	tlb_flush_user_pages(&visited->tlb, &va, 1);
	KCHECK(xcall_ipis_sent == ipis);
	aspace_destroy(visited, sched_point);
}
