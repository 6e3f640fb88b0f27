/* SPDX-License-Identifier: MIT */
/* tlbchange.h - a space of the machine of tlbsim.h gets a user root, or loses it, while no CPU has
 * it loaded. Its threads live on. */
#ifndef TESTS_TLBCHANGE_H
#define TESTS_TLBCHANGE_H

#include "tests/host/tlbkernel.h"

/* Nobody runs it but for this CPU, which can leave it; nor is it being freed. */
static bool at_rest(const struct space *s)
{
	for (int i = 0; i < SLOTS; i++)
		if (threads[i].life == RUNNING && &sim.space[threads[i].space] == s &&
		    i != me()->thread)
			return false;
	return s->live && s->threads && !s->busy;
}

/* Locked, as all of these. */
static void clear_slots(struct space *s)
{
	uint64_t *u = phys_to_virt(s->as.tlb.root + PAGE_SIZE);

	hw_step();
	for (unsigned page = LOWER; page < LOWER + LOWER_PAGES; page++)
		u[pt_index(va_of(page), 4)] = 0;
}

static void unmap_trampolines(struct space *s, uint64_t slots, struct taken *taken)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (slots >> i & 1)
			unmap(s, TRAMPOLINES + i, taken);
}

/* All or nothing: memory may be short. Nobody has the user root loaded, so nothing is flushed. */
static void join(struct space *s, struct taken *taken)
{
	uint64_t mapped = 0;

	s->entry_stack = rnd(2);
	for (unsigned i = 0; i < SLOTS; i++) {
		if (s->entry_stack || !(s->slots >> i & 1))
			continue;
		if (!map(s, TRAMPOLINES + i)) {
			unmap_trampolines(s, mapped, taken);
			return;
		}
		mapped |= 1ul << i;
	}
	s->as.tlb.split = true;
	for (unsigned page = LOWER; page < LOWER + LOWER_PAGES; page++)
		copy_slot(s, page);
}

/* What the user root alone showed is counted before or after the change. */
static void part(struct space *s, struct taken *taken)
{
	uint64_t slots = s->entry_stack ? 0 : s->slots;
	bool before = rnd(2);

	unmap_trampolines(s, slots, taken);
	clear_slots(s);
	s->as.tlb.split = before;
	for (unsigned i = 0; i < SLOTS; i++)
		if (slots >> i & 1)
			tlb_flush_private_page(&s->as.tlb, va_of(TRAMPOLINES + i));
	s->as.tlb.split = false;
}

static void change(struct space *s)
{
	struct taken taken = { .n = 0 };

	lock(s);
	if (s->as.tlb.split)
		part(s, &taken);
	else
		join(s, &taken);
	unlock(s);
	free_taken(&taken);
	sim.changes++;
}

/* The own space, as a process that changes itself, or any other. */
static void do_change(void)
{
	int thread = me()->thread;
	unsigned first = rnd(SPACES);
	struct space *s;

	if (thread >= 0 && rnd(2))
		first = threads[thread].space;
	for (unsigned k = 0; k < SPACES; k++) {
		s = &sim.space[(first + k) % SPACES];
		if (at_rest(s))
			break;
	}
	if (!at_rest(s))
		return;
	s->busy = true;
	s->threads++;				/* keeps it */
	if (s->as.tlb.cpus)
		tlb_load(NULL);
	change(s);
	s->busy = false;
	if (thread >= 0 && s == &sim.space[threads[thread].space])
		tlb_load(&s->as.tlb);
	if (!--s->threads)
		destroy(s);
}

#endif
