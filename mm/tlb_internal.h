/* SPDX-License-Identifier: MIT */
/* tlb_internal.h - what mm/tlb.c keeps for each CPU. */
#ifndef MM_TLB_INTERNAL_H
#define MM_TLB_INTERNAL_H

#include "arch/x86_64/xcall.h"
#include "mm/tlb.h"

#define TAGS		7		/* the boot space's and six more */
#define CR3_KEEP	(1ul << 63)	/* a write of CR3 with it flushes nothing */
#define CR3_USER	0x800ul		/* the PCID of a pair that is the user root's */

/* What a CPU's TLB holds under one pair of PCIDs, which are the tag's number, with and without
 * CR3_USER: since which generation. Of the user root nothing is noted without PCIDs, for then each
 * flip out flushes, nor while the space is unsplit, for then nobody flushes that id. */
struct tag {
	uint64_t space;			/* id; 0: the boot space, or nothing yet */
	uint64_t kernel_lower;		/* the kernel root's: the lower half since this one */
	uint64_t user_lower;		/* the user root's: the lower half since this one, */
	uint64_t user_private;		/* and the private pages since this one - */
	bool user_due;			/* once the flip out has flushed that id */
};

/* One flush that its sender waits for: others read it between the two atomics that hand it over and
 * back. */
struct request {
	struct xcall call;		/* first: the call is the request */
	const struct tlb_space *space;	/* NULL: the kernel half, of all spaces; what follows
					 * does not count */
	uint64_t generation;		/* that this unmapping made */
	bool private;			/* pages of the user root alone */
	unsigned n;			/* above TLB_BATCH: everything */
	uint64_t va[TLB_BATCH];
};

struct tlb_cpu {
	struct request request;		/* this CPU's own */
	struct tlb_space *loaded;		/* NULL: the boot space */
	struct tag *tag;		/* its tag */
	uint64_t kernel_seen;		/* kernel_generation at the last full flush */
	unsigned next_victim;
	struct tag tags[TAGS];		/* without PCIDs one is in use, and all ids are 0 */
} __attribute__((aligned(64)));

#endif
