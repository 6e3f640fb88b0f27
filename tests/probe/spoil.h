/* SPDX-License-Identifier: MIT */
/*
 * spoil.h - mistakes planted in a user root, for the audit to find.
 *
 * Most lie in a table that every root of the same design shares; where the design does not split,
 * in one that all kernel roots share.  Each returns false where @as has nothing of that kind, and
 * nothing has changed.  Kernel table, on a space that is complete and that nobody else knows.
 */
#ifndef TESTS_SPOIL_H
#define TESTS_SPOIL_H

#include <stdbool.h>

struct aspace;

bool spoil_extra(struct aspace *as);		/* one page more */
bool spoil_writable(struct aspace *as);		/* entry text can be written */
bool spoil_global(struct aspace *as);		/* the first page that is not Global is */
bool spoil_frame(struct aspace *as);		/* another frame with the same bytes */
bool spoil_global_entry_stack(struct aspace *as);
bool spoil_global_trampoline(struct aspace *as);
bool spoil_other_text(struct aspace *as);	/* another design's entry text is there, too; */
bool spoil_other_idt(struct aspace *as);	/* its IDT; */
bool spoil_other_entry_stack(struct aspace *as);	/* its entry stack */
bool spoil_missing(struct aspace *as);		/* one page less: a machine check's stack */

#endif
