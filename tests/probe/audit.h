/* SPDX-License-Identifier: MIT */
/* audit.h - look at a user root from outside: dump its supervisor pages, and read it as Meltdown
 * would. */
#ifndef MM_AUDIT_H
#define MM_AUDIT_H

#include <stdint.h>

struct aspace;
struct process;

/* Print every supervisor leaf of @p's user root (of the one root in an unsplit design), runs of
 * equal rights merged: `AUDIT <pid> <va> <pa> <pages> <W|-><X|-><G|-><U|->`, then `AUDIT-END
 * <pid>`; before them, `AUDIT-FACT process <pid> <its design>`, and a line `AUDIT-FACT thread <pid>
 * <tid> <trampoline va> <its pa> <kernel stack top>` for each thread, 0 and 0 where it has no
 * trampoline. @p has a space. */
void audit_dump(struct process *p);

/* Print what the host must know and cannot compute, taken from the kernel's own pointers and
 * never from a page table: `AUDIT-FACT start <the boot's design> <global|no-global>`, then
 * ram-end, `idt <design> <pa>` for each design (0: this boot cannot run it), `cpu <n> <page of its
 * block> <pa>`, `body-stack <n> <top>`. Before the first audit_dump() of an audit. */
void audit_facts(void);

/* What a process exposes to a reader that ignores U/S: supervisor pages reachable through its user
 * root. */
struct exposure {
	uint64_t text_pages, rodata_pages, data_pages;	/* X; read-only NX; writable */
	uint64_t other_thread_pages;	/* holding data of a thread that is not the caller */
};
void audit_exposure(struct aspace *as, struct exposure *e);

/* Meltdown's view: is the secret of @key (tests/probe/secrets.h) found in any page reachable
 * through @as's user root, U/S ignored, or in one that any root shows as Global, which the TLB may
 * have? Returns the virtual address of the first hit, or 0. The
 * plain secret is never computed here: what the search leaves in registers and on its stack must
 * not be found in its turn. */
uint64_t audit_find_secret(struct aspace *as, uint64_t key);

#endif
