/* SPDX-License-Identifier: MIT */
/* audit.h - look at a user root from outside: dump its supervisor pages, and read it as Meltdown would. */
#ifndef MM_AUDIT_H
#define MM_AUDIT_H

#include <stdint.h>

struct aspace;

/* Print every supervisor leaf of @as's user root (of the one root in an unsplit design), runs of equal rights
 * merged: `AUDIT <pid> <va> <pa> <pages> <W|-><X|-><G|-><U|->`, then `AUDIT-END <pid>`. */
void audit_dump(struct aspace *as);

/* What a process exposes to a reader that ignores U/S: supervisor pages reachable through its user root. */
struct exposure {
	uint64_t text_pages, rodata_pages, data_pages;	/* X; read-only NX; writable */
	uint64_t other_thread_pages;	/* holding data of a thread that is not the caller */
};
void audit_exposure(struct aspace *as, struct exposure *e);

/* Meltdown's view: is the 64-bit @secret found in any page reachable through @as's user root, U/S ignored?
 * Returns the virtual address of the first hit, or 0. Supervisor pages only when @supervisor_only. */
uint64_t audit_find_secret(struct aspace *as, uint64_t secret, int supervisor_only);

#endif
