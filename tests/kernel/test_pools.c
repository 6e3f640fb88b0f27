/* SPDX-License-Identifier: MIT */
/* test_pools.c - the kernel's pools of stacks, trampolines and heap blocks, shrunk and used again,
 * on all CPUs. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "arch/x86_64/xcall.h"
#include "entry/design.h"
#include "entry/trampoline.h"
#include "kernel/console/panic.h"
#include "kernel/object/process.h"
#include "kernel/object/reap.h"
#include "kernel/sched/sched.h"
#include "mm/frames.h"
#include "mm/heap.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "mm/reclaim.h"
#include "mm/stacks.h"
#include "mm/tlb.h"
#include "tests/kernel/ktest.h"

#define STACKS 40u
#define OBJECTS 256u
#define OBJECT_SIZE 1024u
#define TURNS 300u

static void shrink_all(void)
{
	while (pools_shrink())
		;
}

static volatile uint64_t *stack_word(uint64_t top, unsigned page)
{
	return (volatile uint64_t *)(top - page * PAGE_SIZE) - 2;
}

KTEST(free_stacks_give_their_frames_back)
{
	uint64_t top[STACKS], full, level_before = pt_pages();
	const char *what;
	unsigned level;

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < STACKS; i++) {
			top[i] = kstack_alloc();
			KCHECK(top[i]);
			for (unsigned page = 0; page < KSTACK_PAGES; page++)
				*stack_word(top[i], page) = i + 1;
		}
		for (unsigned i = 0; i < STACKS; i++)
			for (unsigned page = 0; page < KSTACK_PAGES; page++)
				KCHECK(*stack_word(top[i], page) == i + 1);
		full = frames_used();
		for (unsigned i = 0; i < STACKS; i++)
			kstack_free(top[i]);
		KCHECK(frames_used() == full);	/* kept, as long as nobody asks */
		shrink_all();
		KCHECK(frames_used() <= full - STACKS * KSTACK_PAGES);
		for (unsigned i = 0; i < STACKS; i++)
			KCHECK(!pt_lookup(read_cr3(), top[i] - 8, &level));
		KCHECK(stack_guard_hit(top[0] - KSTACK_PAGES * PAGE_SIZE - 8, &what));
	}
	KCHECK(pt_pages() <= level_before + 3);
}

KTEST(free_trampolines_give_their_frames_back)
{
	struct trampoline *t[STACKS];
	uint64_t full;

	if (!boot_design->split)
		return;
	for (uint64_t space = 1; space <= 2; space++) {
		for (unsigned i = 0; i < STACKS; i++) {
			uint64_t *frame;

			t[i] = trampoline_alloc(space);
			KCHECK(t[i]);
			frame = phys_to_virt(t[i]->pa + PAGE_SIZE);
			KCHECK(!*stack_word(t[i]->top, 0) && !frame[-2]);
			*stack_word(t[i]->top, 0) = space;
			KCHECK(frame[-2] == space);
		}
		full = frames_used();
		for (unsigned i = 0; i < STACKS; i++)
			trampoline_free(t[i]);
		shrink_all();
		KCHECK(frames_used() <= full - STACKS);
	}
}

/* A block goes when all of it is free, and only then. */
KTEST(free_heap_blocks_give_their_frames_back)
{
	static uint64_t *object[OBJECTS];
	unsigned in_page = PAGE_SIZE / OBJECT_SIZE;
	uint64_t full, after = 0;

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < OBJECTS; i++) {
			object[i] = kzalloc(OBJECT_SIZE);
			KCHECK(object[i] && !object[i][0] && !object[i][OBJECT_SIZE / 8 - 1]);
			object[i][0] = object[i][OBJECT_SIZE / 8 - 1] = i + 1;
		}
		full = frames_used();
		for (unsigned i = 0; i < OBJECTS / 2; i++)
			kfree(object[i]);
		shrink_all();
		KCHECK(frames_used() <= full - OBJECTS / 2 / in_page + 2);
		for (unsigned i = OBJECTS / 2; i < OBJECTS; i++) {
			KCHECK(object[i][0] == i + 1 && object[i][OBJECT_SIZE / 8 - 1] == i + 1);
			kfree(object[i]);
		}
		shrink_all();
		KCHECK(frames_used() <= full - OBJECTS / in_page + 2);
		KCHECK(!round || frames_used() == after);
		after = frames_used();
	}
}

/* --- all CPUs at once ------------------------------------------------------------------- */

static uint32_t users, wrong;

/* Two live stacks and two live objects at any time; whatever comes anew has nobody else's mark. */
static void use_pools(void *mark)
{
	uint64_t top[2] = { 0, 0 }, *object[2] = { NULL, NULL };
	uint32_t bad = 0;

	for (unsigned turn = 0; turn < TURNS; turn++) {
		unsigned i = turn & 1;

		if (top[i]) {
			bad += *stack_word(top[i], 0) != (uint64_t)mark + i ||
			       *object[i] != (uint64_t)mark + i;
			kstack_free(top[i]);
			kfree(object[i]);
		}
		top[i] = kstack_alloc();
		object[i] = kzalloc(PAGE_SIZE);
		if (!top[i] || !object[i])
			panic("pools: no memory for 2 stacks and 2 objects a CPU in turn %u", turn);
		bad += *object[i] != 0;
		*stack_word(top[i], 0) = *object[i] = (uint64_t)mark + i;
		sched_point();
	}
	for (unsigned i = 0; i < 2; i++) {
		kstack_free(top[i]);
		kfree(object[i]);
	}
	__atomic_add_fetch(&wrong, bad, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&users, 1, __ATOMIC_RELEASE);
}

KTEST(pools_shrink_while_all_cpus_use_them)
{
	users = wrong = 0;
	for (uint32_t cpu = 1; cpu < cpu_count; cpu++) {
		struct thread *t = thread_create_kernel(use_pools, (void *)(uint64_t)(cpu << 8));

		KCHECK(t);
		sched_set_affinity(t, 1ul << cpu);
		t->cpu = &cpus[cpu];
		__atomic_add_fetch(&users, 1, __ATOMIC_RELAXED);
		sched_make_ready(t);
	}
	do {
		pools_shrink();
		xcall_serve();
		cpu_pause();
	} while (__atomic_load_n(&users, __ATOMIC_ACQUIRE));
	KCHECK(!wrong);
	reap();
}
