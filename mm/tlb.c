/* SPDX-License-Identifier: MIT */
/*
 * tlb.c - TLB coherence.
 *
 * Every flush is a request in a CPU's mailbox, answered by that CPU: its own
 * requests at once, others' (with more CPUs) when it spins for a lock or takes
 * the shootdown interrupt.  A request is an address, or everything when the
 * mailbox is full; user entries are never Global, so a CR3 reload is everything.
 *
 * No PCID is in use: a space that is not loaded has nothing in the TLB, and each
 * flip empties it of all that is not Global.
 */
#include "mm/tlb.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "mm/aspace.h"
#include "mm/pagetable.h"

#define MAILBOX_SLOTS 8

static struct mailbox {
	uint32_t pending;		/* above MAILBOX_SLOTS: everything */
	uint64_t va[MAILBOX_SLOTS];
} mailboxes[MAX_CPUS];

static void post(struct mailbox *m, uint64_t va)
{
	if (m->pending < MAILBOX_SLOTS)
		m->va[m->pending++] = va;
	else
		m->pending = MAILBOX_SLOTS + 1;
}

void tlb_serve_mailbox(void)
{
	struct mailbox *m = &mailboxes[this_cpu()->index];

	if (m->pending > MAILBOX_SLOTS) {
		write_cr3(read_cr3());
	} else {
		for (uint32_t i = 0; i < m->pending; i++)
			invlpg(m->va[i]);
	}
	m->pending = 0;
}

/* Is one of @as's roots in this CPU's CR3? */
static bool loaded_here(const struct aspace *as)
{
	uint64_t root = read_cr3() & PTE_ADDR;

	return root == aspace_kernel_cr3(as) || root == aspace_user_cr3(as);
}

/* The user root's entries went at the flip in, and INVLPG takes out the kernel root's together with
 * every cached pointer to a page table (SDM vol. 3A, 4.10.4.1): nothing then remembers the page. */
void tlb_flush_user_page(struct aspace *as, uint64_t va)
{
	if (!loaded_here(as))
		return;
	post(&mailboxes[this_cpu()->index], va);
	tlb_serve_mailbox();
}

/* Only a user root shows the page, and whatever this CPU remembered of that root went at the flip in:
 * the next flip out starts afresh. With one table there is no flip, and the page is like any other. */
void tlb_flush_private_page(struct aspace *as, uint64_t va)
{
	if (!entry->split)
		tlb_flush_user_page(as, va);
}
