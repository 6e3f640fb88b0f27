/* SPDX-License-Identifier: MIT */
/*
 * tlbkernel.h - a kernel's system calls on the machine of tlbsim.h, doing things at random.
 *
 * It follows the rules that the real one follows (mm/tlb.h) and checks every access: a leaf that
 * belongs to somebody else, that no longer exists, or that this half of a pair must not show ends
 * the run.
 */
#ifndef TESTS_TLBKERNEL_H
#define TESTS_TLBKERNEL_H

#include "arch/x86_64/percpu.h"
#include "tests/host/tlbsim_hw.h"

enum tlb_bug tlb_seeded_bug;

enum thread_life { FREE, READY, RUNNING, DEAD };

static struct {
	enum thread_life life;
	unsigned space;
} threads[SLOTS];			/* thread n has trampoline n */

static bool slot_in_use[SLOTS];

/* --- the oracle -------------------------------------------------------------------- */

static void check_kernel_leaf(const struct sim_cpu *c, const struct item *leaf, unsigned page)
{
	if (on_user_root(c) && page < VISIBLE)
		wrong("CPU %u: the user root shows kernel page %u", sim.current, page);
	if (leaf->gone)
		wrong("CPU %u uses kernel page %u after its unmapping returned", sim.current, page);
}

static void use(unsigned page)
{
	struct sim_cpu *c = me();
	uint32_t n = translate(c, page);
	const struct item *leaf = &sim.items[n];

	sim.uses++;
	if (!n)
		return;
	if (leaf->place != page)
		wrong("CPU %u: page %u leads to that of page %u", sim.current, page, leaf->place);
	else if (leaf->owner == NOBODY)
		check_kernel_leaf(c, leaf, page);
	else if (c->thread < 0 || leaf->owner != sim.space[threads[c->thread].space].as.tlb.id)
		wrong("CPU %u uses page %u of another space", sim.current, page);
	else if (leaf->gone)
		wrong("CPU %u uses page %u after its unmapping returned", sim.current, page);
	else if (page >= TRAMPOLINES && !on_user_root(c))
		wrong("CPU %u: the kernel root shows a private page", sim.current);
}

/* --- page tables ---------------------------------------------------------------------- */

static void lock(struct space *s)
{
	me()->waited = 0;
	while (s->locked) {
		xcall_serve();
		hw_pause();
	}
	s->locked = true;
	hw_step();
}

static void unlock(struct space *s)
{
	hw_step();
	s->locked = false;
}

/* The user root shows what the kernel root has in the lower half, as in mm/aspace.c. */
static void copy_slot(struct space *s, unsigned page)
{
	uint64_t *k = phys_to_virt(s->as.tlb.root), *u;

	if (!s->as.tlb.split || page >= TRAMPOLINES)
		return;
	u = phys_to_virt(s->as.tlb.root + PAGE_SIZE);
	hw_step();
	u[pt_index(va_of(page), 4)] = k[pt_index(va_of(page), 4)];
	hw_step();
}

static uint64_t root_for(const struct space *s, unsigned page)
{
	return s->as.tlb.root + (page < TRAMPOLINES ? 0 : PAGE_SIZE);
}

/* Locked. What runs meanwhile on other CPUs makes tables of its own space. */
static bool map(struct space *s, unsigned page)
{
	unsigned slot = s - sim.space;
	uint32_t leaf = new_item(s->as.tlb.id, slot, page);
	int err;

	me()->making = slot;
	err = pt_map(root_for(s, page), va_of(page), (uint64_t)leaf << PAGE_SHIFT, PTE_U,
		     &s->as.frames);
	if (err)
		item_gone(leaf);
	else
		copy_slot(s, page);
	return !err;
}

/* What an unmapping took out, to be freed after the flush. */
struct taken {
	uint64_t frame[LOWER_PAGES];
	struct pt_list tables;
	unsigned n;
};

static bool unmap(struct space *s, unsigned page, struct taken *taken)
{
	uint64_t e = pt_unmap(root_for(s, page), va_of(page), &taken->tables);

	if (e)
		taken->frame[taken->n++] = e & PTE_ADDR;
	copy_slot(s, page);
	return e;
}

static void free_taken(const struct taken *taken)
{
	for (unsigned i = 0; i < taken->n; i++)
		frame_free(taken->frame[i]);
	pt_free_list(&taken->tables);
}

/* --- system calls ------------------------------------------------------------------------ */

static void do_map(struct space *s)
{
	lock(s);
	map(s, LOWER + rnd(LOWER_PAGES));
	unlock(s);
}

static void do_unmap(struct space *s)
{
	unsigned pad = rnd(4) ? 0 : TLB_BATCH, n = pad, pages = 1 + rnd(rnd(2) ? 2 : LOWER_PAGES);
	uint64_t va[TLB_BATCH + LOWER_PAGES] = { 0 };	/* the padding makes it overflow */
	struct taken taken = { .n = 0 };

	lock(s);
	for (unsigned i = 0, page = rnd(LOWER_PAGES); i < pages;
	     i++, page = (page + 1) % LOWER_PAGES) {
		if (unmap(s, page, &taken))
			va[n++] = va_of(page);
	}
	unlock(s);
	if (n > pad)
		tlb_flush_user_pages(&s->as.tlb, va, n);
	free_taken(&taken);
}

static bool has_trampolines(const struct space *s)
{
	return s->as.tlb.split && !s->entry_stack;
}

static void do_thread(unsigned slot)
{
	struct space *s = &sim.space[slot];
	bool fine = true;
	unsigned i = 0;

	while (i < SLOTS && slot_in_use[i])
		i++;
	if (i == SLOTS)
		return;
	slot_in_use[i] = true;
	s->threads++;
	lock(s);
	if (has_trampolines(s))
		fine = map(s, TRAMPOLINES + i);
	if (fine)
		s->slots |= 1ul << i;
	unlock(s);
	if (fine) {
		threads[i].space = slot;
		threads[i].life = READY;
	} else {
		slot_in_use[i] = false;
		s->threads--;
	}
}

static void new_roots(struct space *s, unsigned slot)
{
	uint64_t root;

	if (sim.item_count & 1)
		new_item(NOBODY, 0, TABLE);	/* pairs are aligned */
	root = (uint64_t)new_table(slot) << PAGE_SHIFT;
	new_table(slot);
	tlb_space_init(&s->as.tlb, root, sim.m.spaces == MIXED ? rnd(2) : sim.m.spaces);
}

static bool free_leaf(void *ctx, uint64_t va, uint64_t e, uint64_t access, unsigned level)
{
	(void)ctx, (void)va, (void)access, (void)level;
	frame_free(e & PTE_ADDR);
	return true;
}

static void destroy(struct space *s)
{
	uint64_t at = 0, upper = TRAMPOLINE_AREA_BASE, end = upper + (1ul << 39);

	tlb_space_check_left(&s->as.tlb);
	for (unsigned i = 0; i < sim.m.cpus; i++)
		if (sim.cpu[i].cr3 &&
		    (sim.cpu[i].cr3 & PTE_ADDR & ~(uint64_t)PAGE_SIZE) == s->as.tlb.root)
			wrong("CPU %u has a root that is being freed", i);
	while (!pt_free_step(s->as.tlb.root, &at, 1ul << 47, free_leaf))
		;
	while (!pt_free_step(s->as.tlb.root + PAGE_SIZE, &upper, end, NULL))
		;
	frame_free(s->as.tlb.root);
	frame_free(s->as.tlb.root + PAGE_SIZE);
	s->live = false;
}

/* There are times of few spaces with many threads, and times when the ids do not suffice. */
static void do_spawn(void)
{
	for (unsigned i = 0; i < 1 + sim.steps / 16384 % SPACES; i++) {
		struct space *s = &sim.space[i];

		if (s->live)
			continue;
		memset(s, 0, sizeof(*s));
		s->live = s->busy = true;
		s->threads = 1;			/* keeps it while its first thread is made */
		s->entry_stack = sim.m.spaces == MIXED && rnd(2);
		new_roots(s, i);
		map(s, LOWER + rnd(LOWER_PAGES));
		s->busy = false;
		do_thread(i);
		if (!--s->threads)
			destroy(s);		/* no slot was free; nobody has loaded it */
		return;
	}
}

static void do_reap(void)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct space *s = &sim.space[threads[i].space];
		struct taken taken = { .n = 0 };

		if (threads[i].life != DEAD)
			continue;
		threads[i].life = FREE;
		lock(s);
		s->slots &= ~(1ul << i);
		if (has_trampolines(s))
			unmap(s, TRAMPOLINES + i, &taken);
		unlock(s);
		if (taken.n)
			tlb_flush_private_page(&s->as.tlb, va_of(TRAMPOLINES + i));
		free_taken(&taken);
		slot_in_use[i] = false;
		if (!--s->threads)
			destroy(s);
	}
}

/* A page of the kernel half goes, for all CPUs, or a new one comes to its place. */
static void flip_kernel_page(unsigned page)
{
	uint32_t old = sim.kernel_leaf[page];

	if (!old) {
		sim.kernel_leaf[page] = new_item(NOBODY, 0, page);
		return;
	}
	sim.kernel_leaf[page] = 0;
	tlb_flush_kernel_half();
	item_gone(old);
}

/* Also as the pools do it (mm/reclaim.c): while nobody has the trampoline. */
static void do_kernel_page(void)
{
	unsigned slot = rnd(SLOTS);

	if (rnd(2)) {
		flip_kernel_page(KERNEL + rnd(PAGES - KERNEL));
	} else if (!slot_in_use[slot]) {
		slot_in_use[slot] = true;
		flip_kernel_page(TRAMPOLINES + slot);
		slot_in_use[slot] = false;
	}
}

/* Leave the current thread as @life for another one, or for the idle thread. */
static void schedule(enum thread_life life)
{
	struct sim_cpu *c = me();
	int old = c->thread, next = -1;

	for (unsigned k = 0, first = rnd(SLOTS); k < SLOTS && rnd(4); k++)
		if (threads[(first + k) % SLOTS].life == READY &&
		    !sim.space[threads[(first + k) % SLOTS].space].busy)
			next = (first + k) % SLOTS;
	if (next >= 0)
		threads[next].life = RUNNING;
	hw_step();
	if (next >= 0)
		sim.space[threads[next].space].ran_on |= 1ul << sim.current;
	c->thread = next;
	tlb_load(next < 0 ? NULL : &sim.space[threads[next].space].as.tlb);
	if (old >= 0)
		threads[old].life = life;
}

#endif
