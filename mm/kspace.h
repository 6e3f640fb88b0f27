/* SPDX-License-Identifier: MIT */
/*
 * kspace.h - the kernel half: built once, shared by every root.
 *
 * Sets of top-level entries exist: the kernel roots' (everything), and for each
 * design that splits a template of its user roots' (its entry text and rodata, its
 * sub-tree of the CPU entry area).  All are filled at boot, so no root ever lags
 * behind.  The boot of an unsplit design has the first only.
 */
#ifndef MM_KSPACE_H
#define MM_KSPACE_H

#include <stdbool.h>
#include <stdint.h>
#include "boot/bootinfo.h"

struct entry_design;

/* Build the boot root pair (single root unless entry_mixed()), the templates, direct map, kernel
 * image W^X by page; load it. Early identity map on entry; kernel table on return. Panics when
 * memory is short. entry is chosen. */
void kspace_init(const struct bootinfo *bi);

/* Does the direct map show all of these bytes? It has all RAM and what shares 2 MiB with some,
 * but no devices. */
bool kspace_in_direct_map(uint64_t pa, uint64_t len);

uint64_t kspace_boot_root(void);	/* physical; the boot and idle threads' root */

/* Sets of designs: bit n is number n. */
#define DESIGNS_NONE	0u
#define DESIGNS_ALL	(~0u)

/* Map into the kernel half of every kernel root, and of every user root of the designs in the set
 * @shown, DESIGNS_NONE or more: CPU entry area only. PTE_G in @flags: the page has one frame at its
 * address for ever and holds nothing secret, so it may be Global in every boot; in one of an
 * unsplit design all pages are. 0; or -ENOMEM, -EEXIST, and nothing has changed but for page
 * tables. */
int kspace_map(uint64_t va, uint64_t pa, uint64_t flags, uint32_t shown);
/* The same with a zeroed frame: its address, or 0. */
uint64_t kspace_map_new(uint64_t va, uint64_t flags, uint32_t shown);
/* Unmap what kspace_map() mapped. Returns the old entry. The caller calls
 * tlb_flush_kernel_half(), once for many, before the frame or the address serves anything else. */
uint64_t kspace_unmap(uint64_t va);

/* Fill a new kernel root's, or the kernel half of a new user root of @d's, which splits. */
void kspace_fill_kernel_root(uint64_t root);
void kspace_fill_user_root(uint64_t user_root, const struct entry_design *d);
/* What every user root of @d's has in its kernel half: physical address of a table; 0: it has no
 * user roots in this boot. */
uint64_t kspace_template(const struct entry_design *d);
/* Does every root on which @d's programs run share top-level slot @slot? The others' trees are a
 * space's own. */
bool kspace_is_shared_slot(const struct entry_design *d, unsigned slot);

/* Map device registers, uncached. Returns the virtual address; panics when out of room. */
volatile void *kspace_map_mmio(uint64_t pa, uint64_t len);

#endif
