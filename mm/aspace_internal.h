/* SPDX-License-Identifier: MIT */
/* aspace_internal.h - what mm/aspace.c and mm/unmap.c share. */
#ifndef MM_ASPACE_INTERNAL_H
#define MM_ASPACE_INTERNAL_H

#include "mm/aspace.h"

/* @as, which is locked, has become smaller: give back what it will not need soon. */
void aspace_charge_back(struct aspace *as);
/* Take @r out of @as, which is locked; it is no more. */
void aspace_remove_region(struct aspace *as, struct region *r);

#endif
