/* SPDX-License-Identifier: MIT */
/* tlb.h - TLB coherence: the only place that loads a root, and that decides what to flush, where. */
#ifndef MM_TLB_H
#define MM_TLB_H

#include <stdint.h>

struct aspace;
struct cpu;

/* What the module keeps in each address space. */
struct tlb_space {
	uint64_t id;			/* never used twice; 0: the boot space */
	uint64_t generation;		/* lower half: goes up with every unmap or cut of rights */
	uint64_t user_generation;	/* the user root's private pages (trampolines) likewise */
	uint64_t cpus;			/* bit n: CPU n has one of the two roots loaded */
};

/* Give a new space its id. */
void tlb_space_init(struct tlb_space *s);

/* Set this CPU's part up. Once per CPU, on it, before user mode. */
void tlb_init_cpu(struct cpu *cpu);

/* Make @as (NULL: the boot space) this CPU's space: door words, CR3, CPU sets; flushes what this CPU missed while it did
 * not run the space, lower half, private pages and kernel half. Does nothing when it is loaded already. IRQs off. */
void tlb_load(struct aspace *as);

/* Answer pending requests to this CPU, if there are any. IRQs off. Called in every spin loop. */
void tlb_serve_mailbox(void);
/* Handler of VECTOR_SHOOTDOWN; sends its own EOI. */
void tlb_shootdown_irq(void);
/* The last step before user mode when percpu->work has WORK_TLB (PCID only). IRQs off. */
void tlb_exit_work(void);

/* Lower-half pages of @as were unmapped or their rights cut (PTEs already written): when this returns, no CPU
 * uses the old entries. User copies use that half from the kernel root, so both tables are flushed. Sends IPIs only to CPUs
 * that run the space, waits for their acknowledgements and serves this CPU's own mailbox meanwhile.
 * IRQs off, no spinlock held. */
void tlb_flush_user_pages(struct aspace *as, const uint64_t *va, unsigned n);
/* A private page of @as's user root was unmapped: as above; a CPU in the kernel acknowledges at once, for
 * its flip out is marked to flush. */
void tlb_flush_private_page(struct aspace *as, uint64_t va);
/* A kernel-half page was unmapped: flushed here now, on the others before they next load a kernel root. */
void tlb_flush_kernel_page(uint64_t va);

/* IPIs sent for shootdowns so far, all CPUs. */
extern uint64_t tlb_ipis_sent;

#endif
