/* SPDX-License-Identifier: MIT */
/*
 * tlb.h - TLB coherence: the only place that loads a root, and that decides what to flush, where.
 * The theory is in mm/README.md.
 */
#ifndef MM_TLB_H
#define MM_TLB_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;

/* Addresses in one request; more than that flushes everything of the space. */
#define TLB_BATCH 16

/* What the module keeps in each address space. */
struct tlb_space {
	uint64_t root;			/* of the kernel table */
	bool split;	/* a user root is the next frame; else user mode runs on the one. May
			 * change while no CPU has the space loaded */
	uint64_t id;			/* never used twice; 0: the boot space */
	uint64_t generation;		/* lower half: goes up with every unmap or cut of rights */
	uint64_t user_generation;	/* the user root's private pages (trampolines) likewise */
	uint64_t cpus;			/* bit n: CPU n has one of the two roots loaded */
};

/* PCIDs are used where the CPU has them, unless this was cleared before the first
 * tlb_init_cpu(). */
extern bool tlb_pcid_wanted;
/* In use, for the boot log. Known after the first tlb_init_cpu(). */
bool tlb_pcid_in_use(void);
/* The boot space: root and split, before the first tlb_init_cpu(). */
extern struct tlb_space tlb_boot_space;

/* Give a new space, whose kernel table is at @root, its id. */
void tlb_space_init(struct tlb_space *s, uint64_t root, bool split);
/* @s is about to be freed: panics while a CPU has one of its roots loaded. */
void tlb_space_check_left(const struct tlb_space *s);

/* Set this CPU's part up. Once per CPU, on it, on the boot root, after cpu_load(), before user
 * mode and before its first tlb_load(). IRQs off. */
void tlb_init_cpu(struct cpu *cpu);

/* @cpu is out of use after all, though it may have called tlb_init_cpu(): nobody waits for it. */
void tlb_forget_cpu(const struct cpu *cpu);

/* Make @s (NULL: the boot space) this CPU's space: door words, CR3, CPU sets; flushes what this
 * CPU missed while it did not run the space, lower half and private pages. Nothing when it is
 * loaded already. May set WORK_TLB in percpu->work, which must survive until exit_work(). Kernel
 * table, IRQs off. */
void tlb_load(struct tlb_space *s);

/* WORK_TLB's part of exit_work(): call it when nothing but the way to user mode is left to do.
 * It may leave the bit set, so it is no condition of a loop: the next exit has to come here as
 * well. IRQs off. */
void tlb_exit_work(void);

/* Lower-half pages of @s were unmapped or their rights cut (PTEs already written): when this
 * returns, no CPU uses the old entries, nor a page table that was unlinked with them. User
 * copies use that half from the kernel root, so both tables are flushed. Sends IPIs only to CPUs
 * that run the space, waits for their acknowledgements and serves this CPU's own mailbox
 * meanwhile. IRQs off, no spinlock held. */
void tlb_flush_user_pages(struct tlb_space *s, const uint64_t *va, unsigned n);
/* A private page of @s's user root was unmapped: as above; a CPU in the kernel acknowledges at
 * once, for its flip out is marked to flush. */
void tlb_flush_private_page(struct tlb_space *s, uint64_t va);
/* Pages of the kernel half were unmapped, the tables above them stay: when this returns, no CPU
 * uses the old entries, under any id. A CPU that had interrupts off when this was called has let
 * them in, or waited for another, since. Waits for all CPUs, as above. IRQs off, no spinlock
 * held. */
void tlb_flush_kernel_half(void);

#endif
