/* SPDX-License-Identifier: MIT */
/* trampoline.c - trampolines: the pool, and who has which. */
#include "entry/trampoline.h"
#include "arch/x86_64/cpu.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/object/object.h"
#include "mm/aspace.h"
#include "mm/heap.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "mm/slots.h"

static bool shrink(void);

static struct slot_pool trampolines = {
	.name = "trampoline stack",
	.base = TRAMPOLINE_AREA_BASE,
	.slot_pages = TRAMPOLINE_SLOT_PAGES,
	.stack_pages = 1,
	.shrink = shrink,
};
static struct trampoline *free_trampolines;

static uint64_t page_of(const struct trampoline *t)
{
	return t->top - PAGE_SIZE;
}

/* --- the pool ---------------------------------------------------------------------- */

/* The pool's lock held. */
static struct trampoline *new_trampoline(void)
{
	struct trampoline *t = kzalloc(sizeof(*t));
	uint64_t va;

	if (!t)
		return NULL;
	va = slot_new(&trampolines, &t->pa);
	if (!va) {
		kfree(t);
		return NULL;
	}
	t->top = va + PAGE_SIZE;
	return t;
}

struct trampoline *trampoline_alloc(uint64_t space)
{
	struct trampoline *t;

	spin_lock_checked(&trampolines.lock);
	t = free_trampolines;
	if (t)
		free_trampolines = t->next;
	else
		t = new_trampoline();
	spin_unlock(&trampolines.lock);
	if (!t)
		return NULL;
	if (t->last_space && t->last_space != space)
		page_zero((void *)page_of(t));
	t->last_space = space;
	return t;
}

void trampoline_free(struct trampoline *t)
{
	spin_lock_checked(&trampolines.lock);
	t->next = free_trampolines;
	free_trampolines = t;
	spin_unlock(&trampolines.lock);
}

static bool shrink(void)
{
	struct trampoline *taken[SLOTS_AT_ONCE] = { NULL };
	uint64_t va[SLOTS_AT_ONCE];
	unsigned n;

	spin_lock_checked(&trampolines.lock);
	for (n = 0; free_trampolines && n < SLOTS_AT_ONCE; n++) {
		taken[n] = free_trampolines;
		va[n] = page_of(taken[n]);
		free_trampolines = free_trampolines->next;
	}
	spin_unlock(&trampolines.lock);
	if (n)
		slots_bare(&trampolines, va, n);
	for (unsigned i = 0; i < n; i++)
		kfree(taken[i]);
	return n;
}

/* --- hooks ------------------------------------------------------------------------ */

int trampoline_setup_thread(struct thread *t)
{
	struct aspace *as = t->process->as;
	struct trampoline *own = trampoline_alloc(as->tlb.id);
	int err;

	if (!own)
		return -ENOMEM;
	err = aspace_map_private(as, page_of(own), own->pa, PTE_W | PTE_NX);
	if (err) {
		trampoline_free(own);
		return err;
	}
	t->entry_data = own;
	t->frame = (struct trapframe *)own->top - 1;
	return 0;
}

void trampoline_retire_thread(struct thread *t)
{
	struct trampoline *own = t->entry_data;

	aspace_unmap_private(t->process->as, page_of(own));
	trampoline_free(own);
}

void trampoline_switch_thread(struct cpu *cpu, struct thread *next)
{
	const struct trampoline *own = next->entry_data;

	cpu->percpu->entry_top = own->top;
	cpu->tss->rsp[0] = own->top;
}

/* --- for tests ------------------------------------------------------------------- */

const struct trampoline *trampoline_of(const struct thread *t)
{
	return t->design->setup_thread == trampoline_setup_thread ? t->entry_data : NULL;
}

const char *trampolines_check(uint64_t *in_use)
{
	uint64_t n = 0;

	for (const struct trampoline *t = free_trampolines; t && n <= trampolines.slots;
	     t = t->next)
		n++;
	*in_use = slots_with_frames(&trampolines) - n;
	return slots_check(&trampolines);
}
