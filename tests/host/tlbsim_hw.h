/* SPDX-License-Identifier: MIT */
/* tlbsim_hw.h - the simulated machine's time, and what mm/tlb.c reaches for in it
 * (arch/x86_64/hw.h). */
#ifndef TESTS_TLBSIM_HW_H
#define TESTS_TLBSIM_HW_H

#include "tests/host/tlbsim.h"

/* --- time ------------------------------------------------------------------------ */

static void switch_cpu(void)
{
	unsigned from = sim.current, next = rnd(sim.m.cpus);

	for (unsigned k = 0; k < sim.m.cpus && sim.cpu[next].frozen_until > sim.steps; k++)
		next = (next + 1) % sim.m.cpus;
	if (sim.steps >= sim.limit) {
		swapcontext(&sim.cpu[from].context, &sim.outside);
	} else if (next != from) {
		sim.current = next;
		swapcontext(&sim.cpu[from].context, &sim.cpu[next].context);
	}
}

#define FREEZE	1000u			/* steps at most */

/* An NMI, as every design's entry has it: the door's kernel root, and back to what was found. */
static void nmi(struct sim_cpu *c)
{
	uint64_t found = c->cr3;

	sim.nmis++;
	c->in_nmi = true;
	load_cr3(c, c->percpu.kernel_cr3);
	translate(c, rnd(PAGES));
	load_cr3(c, found);
	c->in_nmi = false;
}

void hw_step(void)
{
	struct sim_cpu *c = me();

	sim.steps++;
	if (!rnd(256))
		c->frozen_until = sim.steps + rnd(FREEZE);
	if (!rnd(4) || c->frozen_until > sim.steps)
		switch_cpu();
	for (unsigned n = rnd(4); n; n--)
		translate(c, rnd(PAGES));
	if (c->ready && !rnd(128))
		nmi(c);
}

/* --- memory, which is short at times ------------------------------------------------- */

uint64_t frame_alloc_zeroed(void)
{
	hw_step();
	return rnd(8) ? (uint64_t)new_table(me()->making) << PAGE_SHIFT : 0;
}

void frame_free(uint64_t pa)
{
	hw_step();
	item_gone(pa >> PAGE_SHIFT);
}

/* --- what mm/tlb.c reaches for ----------------------------------------------------- */

uint32_t hw_cpu(void) { return sim.current; }
struct percpu *hw_percpu(void) { return &me()->percpu; }
bool hw_has_pcid(void) { return sim.m.pcid; }
bool hw_has_invpcid(void) { return sim.m.invpcid; }
void hw_enable_pcid(void) { me()->pcide = true; }
void hw_eoi(void) { me()->ipi = false; }

void hw_write_cr3(uint64_t word)
{
	hw_step();
	load_cr3(me(), word);
	hw_step();
}

void hw_invlpg(uint64_t va)
{
	hw_step();
	drop(me(), pcid_now(me()), page_of(va), true);
	drop_tables(me(), pcid_now(me()));
	hw_step();
}

void hw_invpcid(enum hw_invpcid type, uint64_t pcid, uint64_t va)
{
	hw_step();
	if (type == INVPCID_ALL) {
		drop(me(), -1, -1, true);
		drop_tables(me(), -1);
	} else {
		drop(me(), pcid, page_of(va), false);
		drop_tables_for(me(), pcid, va);
	}
	hw_step();
}

void hw_toggle_global(void)
{
	hw_step();
	drop(me(), -1, -1, true);
	drop_tables(me(), -1);
	hw_step();
}

void hw_send_xcall(uint32_t cpu)
{
	const struct tlb_space *s = states[sim.current].request.space;

	hw_step();
	if (s && !(sim.space[space_slot(s->root)].ran_on >> cpu & 1))
		wrong("CPU %u interrupts CPU %u, which never ran the space", sim.current, cpu);
	sim.cpu[cpu].ipi = true;
}

#define PATIENCE 20000u

void hw_pause(void)
{
	hw_step();
	if (++me()->waited > PATIENCE)
		wrong("CPU %u waits for ever", sim.current);
	switch_cpu();
}

void panic(const char *fmt, ...)
{
	(void)fmt;
	wrong("panic: %s", fmt);
	abort();
}

#endif
