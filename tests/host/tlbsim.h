/* SPDX-License-Identifier: MIT */
/*
 * tlbsim.h - a machine with tagged TLBs, as hostile as the manual allows (SDM vol. 3A, 4.10).
 *
 * Each CPU is a coroutine with CR3, a TLB (PCID, Global) and a cache of pointers to page tables.
 * Whenever the code under test reaches for the machine, time passes: the CPU may fill its TLB from
 * the loaded root, take an NMI, or stand still while others run.  A flush drops what the manual
 * promises and nothing more.
 *
 * A space's page tables are real ones, made by mm/pagetable.c.  A frame is numbered when it is
 * handed out, and a number is never used again, so an old one is told from a new one wherever it
 * shows up.  The kernel half is a list of leaves.
 */
#ifndef TESTS_TLBSIM_H
#define TESTS_TLBSIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <cmocka.h>
#include "mm/aspace.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "arch/x86_64/hw.h"

#define CPUS		8
#define SPACES		10		/* more than a CPU has ids for */
#define STACK_BYTES	(64 * 1024)
#define TLB_ENTRIES	64
#define CACHED_TABLES	8

/* Pages by number; va_of() has their addresses. */
enum {
	LOWER = 0, LOWER_PAGES = 8,	/* a program's: two in each table, below two top-level
					 * entries */
	TRAMPOLINES = 8, SLOTS = 8,	/* own ones in a user root, in two tables; all of them in
					 * a kernel root */
	KERNEL = 16, KERNEL_PAGES = 4,	/* kernel roots only */
	VISIBLE = 20, VISIBLE_PAGES = 2,	/* all roots, Global */
	PAGES = 22,
};
#define NOBODY	0u			/* owner of the kernel's own leaves */
#define TABLE	255u			/* the place of a page table */

/* A frame that is in use, is being taken away, or is gone (its memory serves something else). */
struct item {
	uint32_t owner;			/* space id, or NOBODY */
	uint8_t slot, place;		/* whose space; page number, or TABLE */
	bool gone;
	uint64_t *words;		/* a table's */
};

struct space {
	struct aspace as;
	bool live, locked;
	bool busy;			/* is being made, or changes its kind: nobody runs it */
	uint64_t ran_on;
	bool entry_stack;		/* its threads need no trampolines */
	uint64_t slots;			/* bit n: it has thread n, and its trampoline */
	unsigned threads;
};

struct sim_cpu {
	ucontext_t context;
	struct percpu percpu;
	uint64_t cr3;
	bool pcide, ready, ipi, in_nmi;
	struct { bool valid, global; uint16_t pcid; uint8_t page; uint32_t leaf; } tlb[TLB_ENTRIES];
	/* Entries of @level that lead to table @item, for addresses that start like @start. */
	struct {
		bool valid;
		uint16_t pcid;
		uint8_t level;
		uint64_t start;
		uint32_t item;
	} tables[CACHED_TABLES];
	uint64_t frozen_until;		/* stands still, as under a hypervisor that runs others */
	unsigned waited;
	unsigned making;		/* slot of the space that it makes tables for */
	int thread;			/* index, or -1: idle */
};

/* What spaces there are: all without a user root, and the kernel half Global; all with one; or both
 * kinds side by side, which change. */
enum spaces { UNSPLIT, SPLIT, MIXED };

struct machine {
	unsigned cpus;
	enum spaces spaces;
	bool pcid, invpcid;
};

static struct {
	struct machine m;
	uint64_t seed, steps, limit;
	uint64_t flips_out, flips_out_flushing, uses, nmis, changes;
	unsigned current;
	const char *wrong;		/* what was found */
	char text[200];
	ucontext_t outside;
	struct sim_cpu cpu[CPUS];
	struct space space[SPACES];
	uint32_t kernel_leaf[PAGES];
	struct item *items;
	uint32_t item_count, item_room;
} sim;

static char stacks[CPUS][STACK_BYTES] __attribute__((aligned(16)));

#define BOOT_ROOT	(1ul << 50)
#define KEEP		(1ul << 63)

static uint32_t rnd(uint32_t n)
{
	sim.seed = sim.seed * 6364136223846793005ul + 1442695040888963407ul;
	return (sim.seed >> 33) % n;
}

static struct sim_cpu *me(void)
{
	return &sim.cpu[sim.current];
}

/* The first thing that goes wrong ends the run. */
static void wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sim.text, sizeof(sim.text), fmt, ap);
	va_end(ap);
	sim.wrong = sim.text;
	swapcontext(&me()->context, &sim.outside);
}

static uint64_t va_of(unsigned page)
{
	unsigned n = page - TRAMPOLINES;

	if (page < TRAMPOLINES)
		return USER_MAP_BASE | (page & 1ul) << 12 | (page >> 1 & 1ul) << 21 |
		       (page >> 2 & 1ul) << 39;
	if (page < KERNEL)
		return TRAMPOLINE_AREA_BASE | (n & 3ul) << 12 | (n >> 2 & 1ul) << 21;
	return KERNEL_IMAGE_BASE | (uint64_t)page << 12;
}

static int page_of(uint64_t va)
{
	for (unsigned page = 0; page < PAGES; page++)
		if (va_of(page) == va)
			return page;
	return PAGES;			/* none that anything is known of */
}

/* --- frames ------------------------------------------------------------------ */

static uint32_t new_item(uint32_t owner, unsigned slot, unsigned place)
{
	if (sim.item_count == sim.item_room) {
		sim.item_room = sim.item_room * 2 + 1024;
		sim.items = realloc(sim.items, sim.item_room * sizeof(*sim.items));
	}
	sim.items[sim.item_count] = (struct item){ .owner = owner, .slot = slot, .place = place };
	return sim.item_count++;
}

static uint32_t new_table(unsigned slot)
{
	uint32_t n = new_item(sim.space[slot].as.tlb.id, slot, TABLE);

	sim.items[n].words = calloc(1, PAGE_SIZE);
	return n;
}

static void item_gone(uint32_t i)
{
	if (sim.items[i].gone)
		wrong("frame %u freed twice", i);
	sim.items[i].gone = true;
	free(sim.items[i].words);
	sim.items[i].words = NULL;
}

static struct item *item_at(uint64_t pa)
{
	return &sim.items[(pa & PTE_ADDR) >> PAGE_SHIFT];
}

void *phys_to_virt(uint64_t pa)
{
	struct item *i = item_at(pa);

	if (!i->words)
		wrong("frame %lu is no page table, or not any more", (pa & PTE_ADDR) >> PAGE_SHIFT);
	return (char *)i->words + pa % PAGE_SIZE;
}

/* --- translation ------------------------------------------------------------- */

static uint16_t pcid_now(const struct sim_cpu *c)
{
	return c->pcide ? c->cr3 & 0xfff : 0;
}

static bool on_user_root(const struct sim_cpu *c)
{
	return c->cr3 & PAGE_SIZE;
}

static int space_slot(uint64_t cr3)
{
	uint64_t root = cr3 & PTE_ADDR & ~(uint64_t)PAGE_SIZE;

	if (root == BOOT_ROOT)
		return -1;
	if (item_at(root)->gone)
		wrong("CPU %u walks a root that was freed", sim.current);
	return item_at(root)->slot;
}

/* What the addresses that an entry of @level translates have in common. */
static uint64_t start_of(uint64_t va, unsigned level)
{
	return va >> (PAGE_SHIFT + 9 * (level - 1));
}

static void keep_table(struct sim_cpu *c, uint64_t va, unsigned level, uint32_t item)
{
	unsigned i = rnd(CACHED_TABLES);

	c->tables[i].valid = true;
	c->tables[i].pcid = pcid_now(c);
	c->tables[i].level = level;
	c->tables[i].start = start_of(va, level);
	c->tables[i].item = item;
}

/* Where a walk for @va begins: at the root, or at any table that is cached for it. */
static uint32_t first_table(struct sim_cpu *c, uint64_t va, unsigned *level)
{
	unsigned first = rnd(CACHED_TABLES + 1);

	for (unsigned i = first; i < CACHED_TABLES; i++) {
		if (c->tables[i].valid && c->tables[i].pcid == pcid_now(c) &&
		    c->tables[i].start == start_of(va, c->tables[i].level)) {
			*level = c->tables[i].level - 1;
			return c->tables[i].item;
		}
	}
	*level = 4;
	return (c->cr3 & PTE_ADDR) >> PAGE_SHIFT;
}

/* Through a space's tables (SDM vol. 3A, 4.10.3): pointers may be kept whether they lead to a leaf
 * or not. */
static uint32_t walk_space(struct sim_cpu *c, uint64_t va)
{
	unsigned level;
	uint32_t table = first_table(c, va, &level);

	for (;; level--) {
		uint64_t e;

		if (sim.items[table].gone)
			wrong("CPU %u walks a page table that was freed", sim.current);
		e = sim.items[table].words[pt_index(va, level)];
		if (!(e & PTE_P))
			return 0;
		table = (e & PTE_ADDR) >> PAGE_SHIFT;
		if (level == 1)
			return table;
		if (rnd(2))
			keep_table(c, va, level, table);
	}
}

static uint32_t walk_page(struct sim_cpu *c, unsigned page)
{
	if (page < TRAMPOLINES || (page < KERNEL && on_user_root(c)))
		return space_slot(c->cr3) < 0 ? 0 : walk_space(c, va_of(page));
	if (page < VISIBLE && on_user_root(c))
		return 0;
	return sim.kernel_leaf[page];
}

static int find_entry(const struct sim_cpu *c, unsigned page)
{
	unsigned first = rnd(TLB_ENTRIES);	/* of several that match, any may be used */

	for (unsigned k = 0; k < TLB_ENTRIES; k++) {
		unsigned i = (first + k) % TLB_ENTRIES;

		if (c->tlb[i].valid && c->tlb[i].page == page &&
		    (c->tlb[i].global || c->tlb[i].pcid == pcid_now(c)))
			return i;
	}
	return -1;
}

/* The leaf that an access to @page goes through, or 0: a page fault. */
static uint32_t translate(struct sim_cpu *c, unsigned page)
{
	int i = find_entry(c, page);
	uint32_t leaf;

	if (i >= 0)
		return c->tlb[i].leaf;
	leaf = walk_page(c, page);
	if (leaf) {
		i = rnd(TLB_ENTRIES);
		c->tlb[i].valid = true;
		c->tlb[i].global =
			page >= VISIBLE || (sim.m.spaces == UNSPLIT && page >= TRAMPOLINES);
		c->tlb[i].pcid = pcid_now(c);
		c->tlb[i].page = page;
		c->tlb[i].leaf = leaf;
	}
	return leaf;
}

/* --- flushing ------------------------------------------------------------------ */

/* Drop entries of @pcid (-1: of all) for @page (-1: all pages), Global ones too or not. */
static void drop(struct sim_cpu *c, int pcid, int page, bool global)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++)
		if ((page < 0 || c->tlb[i].page == page) &&
		    (c->tlb[i].global ? global : pcid < 0 || c->tlb[i].pcid == pcid))
			c->tlb[i].valid = false;
}

static void drop_tables(struct sim_cpu *c, int pcid)
{
	for (unsigned i = 0; i < CACHED_TABLES; i++)
		if (pcid < 0 || c->tables[i].pcid == pcid)
			c->tables[i].valid = false;
}

/* Those that a walk for @va could begin at. */
static void drop_tables_for(struct sim_cpu *c, int pcid, uint64_t va)
{
	for (unsigned i = 0; i < CACHED_TABLES; i++)
		if (c->tables[i].pcid == pcid &&
		    c->tables[i].start == start_of(va, c->tables[i].level))
			c->tables[i].valid = false;
}

static void load_cr3(struct sim_cpu *c, uint64_t word)
{
	int slot;

	if (!c->pcide && (word & (KEEP | 0xfff)))
		wrong("CPU %u: a CR3 word with PCID bits while PCIDs are off: %lx", sim.current,
		      word);
	c->cr3 = word & ~KEEP;
	slot = space_slot(c->cr3);
	if (on_user_root(c) && !(slot < 0 ? &tlb_boot_space : &sim.space[slot].as.tlb)->split)
		wrong("CPU %u loads the user root of a space that has none", sim.current);
	if (word & KEEP)
		return;
	drop(c, pcid_now(c), -1, false);
	drop_tables(c, pcid_now(c));
}

#endif
