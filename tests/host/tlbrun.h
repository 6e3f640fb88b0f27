/* SPDX-License-Identifier: MIT */
/* tlbrun.h - what each simulated CPU does all day, and a run of the whole machine from a seed. */
#ifndef TESTS_TLBRUN_H
#define TESTS_TLBRUN_H

#include "tests/host/tlbchange.h"

static void syscall(void)
{
	struct sim_cpu *c = me();
	unsigned slot = threads[c->thread].space;

	switch (rnd(sim.m.spaces == MIXED ? 13 : 12)) {
	case 0: case 1: case 2: do_map(&sim.space[slot]); break;
	case 3: do_unmap(&sim.space[slot]); break;
	case 4: do_thread(slot); break;
	case 5: do_spawn(); break;
	case 6: do_kernel_page(); break;
	case 7: schedule(DEAD); break;
	case 8: do_reap(); break;
	case 9: schedule(READY); break;
	case 12: do_change(); break;
	default: use(LOWER + rnd(LOWER_PAGES));	/* a user copy */
	}
}

/* --- a CPU's life ---------------------------------------------------------------------------- */

/* Where there is one root there may be no flip, as in direct, or one that goes nowhere. */
static bool flip_out(struct sim_cpu *c, bool split)
{
	bool flip = split || rnd(2);

	if (c->percpu.work & WORK_TLB)
		tlb_exit_work();
	if (!flip)
		return false;
	sim.flips_out++;
	sim.flips_out_flushing += !(c->percpu.user_cr3 & KEEP);
	hw_write_cr3(c->percpu.user_cr3);
	if (split != on_user_root(c))
		wrong("CPU %u: a program runs on the kernel root", sim.current);
	return true;
}

/* A program that computes and never calls: only an interrupt gets its CPU out of it. */
static void compute(struct sim_cpu *c)
{
	uint64_t start = sim.steps;

	while (!c->ipi && sim.steps - start < 20 * PATIENCE)
		hw_step();
}

static void user_mode(struct sim_cpu *c)
{
	bool split = sim.space[threads[c->thread].space].as.tlb.split, interrupt = false;
	bool flipped = flip_out(c, split);

	if (sim.m.cpus > 1 && !rnd(1024))
		compute(c);
	for (unsigned n = rnd(6); n && !interrupt; n--) {
		use(rnd(3) ? LOWER + rnd(LOWER_PAGES) : rnd(split ? PAGES : LOWER_PAGES));
		hw_step();
		interrupt = c->ipi && rnd(2);
	}
	if (flipped)
		hw_write_cr3(c->percpu.kernel_cr3);
	use(TRAMPOLINES + rnd(PAGES - TRAMPOLINES));
	if (interrupt)
		xcall_irq(NULL);
	else
		syscall();
}

static void come_up(struct sim_cpu *c)
{
	struct cpu cpu = { .index = sim.current };

	tlb_init_cpu(&cpu);
	c->ready = true;
}

/* As one that failed on its way up, and is tried again. */
static void go_down(struct sim_cpu *c)
{
	struct cpu cpu = { .index = sim.current };

	tlb_forget_cpu(&cpu);
	xcall_serve();
	c->ready = false;
	for (unsigned n = rnd(20); n; n--)
		hw_step();
	come_up(c);
}

static void idle(struct sim_cpu *c)
{
	if (!rnd(8))
		go_down(c);
	hw_step();
	use(TRAMPOLINES + rnd(PAGES - TRAMPOLINES));
	if (sim.m.spaces == MIXED && !rnd(4))
		do_change();
	if (c->ipi && rnd(2))
		xcall_irq(NULL);
	else if (rnd(8))
		schedule(READY);
	else if (rnd(2))
		do_reap();
	else
		do_spawn();
	switch_cpu();
}

static void cpu_main(void)
{
	struct sim_cpu *c = me();

	come_up(c);
	for (;;) {
		me()->waited = 0;
		if (c->thread < 0)
			idle(c);
		else if (!rnd(8))
			syscall();		/* which goes on: no flip out comes first */
		else
			user_mode(c);
	}
}

/* --- a run ------------------------------------------------------------------------ */

static void boot_cpu(unsigned i)
{
	struct sim_cpu *c = &sim.cpu[i];

	c->cr3 = BOOT_ROOT;
	c->thread = -1;
	getcontext(&c->context);
	c->context.uc_stack.ss_sp = stacks[i];
	c->context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&c->context, cpu_main, 0);
}

/* @steps of machine @m with @bug; the same seed gives the same run. False when something went
 * wrong. */
static bool run(struct machine m, uint64_t seed, uint64_t steps, enum tlb_bug bug)
{
	struct item *items = sim.items;
	uint32_t room = sim.item_room;

	for (uint32_t i = 0; i < sim.item_count; i++)
		free(items[i].words);

	memset(&sim, 0, sizeof(sim));
	memset(threads, 0, sizeof(threads));
	memset(slot_in_use, 0, sizeof(slot_in_use));
	memset(states, 0, sizeof(states));
	memset(boxes, 0, sizeof(boxes));
	kernel_generation = kernel_cpus = last_space = xcall_ipis_sent = 0;
	pcid = false;
	tlb_boot_space = (struct tlb_space){ .root = BOOT_ROOT };
	sim.items = items;
	sim.item_room = room;
	sim.m = m;
	sim.seed = seed;
	sim.limit = steps;
	tlb_boot_space.split = m.spaces == MIXED ? rnd(2) : m.spaces;
	tlb_seeded_bug = bug;
	new_item(NOBODY, 0, 0);			/* 0 is none */
	for (unsigned page = TRAMPOLINES; page < PAGES; page++)
		sim.kernel_leaf[page] = new_item(NOBODY, 0, page);
	for (unsigned i = 0; i < m.cpus; i++)
		boot_cpu(i);
	swapcontext(&sim.outside, &sim.cpu[0].context);
	return !sim.wrong;
}

#endif
