/* SPDX-License-Identifier: MIT */
/* tlb.h - TLB coherence: the only place that decides what to flush, where. */
#ifndef MM_TLB_H
#define MM_TLB_H

#include <stdint.h>

struct aspace;

/* Answer a pending shootdown request to this CPU, if there is one. IRQs off. Called in every spin loop. */
void tlb_serve_mailbox(void);

/* A lower-half page of @as was unmapped or its rights were cut: no CPU may use the old entry on return.
 * User copies use that half from the kernel root, so both tables of the current space are flushed now. */
void tlb_flush_user_page(struct aspace *as, uint64_t va);
/* A private page of @as's user root was unmapped. */
void tlb_flush_private_page(struct aspace *as, uint64_t va);

#endif
