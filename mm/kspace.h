/* SPDX-License-Identifier: MIT */
/*
 * kspace.h - the kernel half: built once, shared by every root.
 *
 * Two sets of top-level entries exist: the kernel roots' (everything) and the
 * user roots' (entry text and rodata, the CPU entry area's user sub-tree).
 * Both are filled at boot, so no root ever lags behind.  An unsplit design has the first only.
 */
#ifndef MM_KSPACE_H
#define MM_KSPACE_H

#include <stdbool.h>
#include <stdint.h>
#include "boot/bootinfo.h"

/* Build the boot root pair (single root when !boot_design->split), direct map, kernel image W^X
 * by page; load it. Early identity map on entry; kernel table on return. Panics when memory is
 * short. entry is chosen. */
void kspace_init(const struct bootinfo *bi);

/* Does the direct map show all of these bytes? It has all RAM and what shares 2 MiB with some,
 * but no devices. */
bool kspace_in_direct_map(uint64_t pa, uint64_t len);

uint64_t kspace_boot_root(void);	/* physical; the boot and idle threads' root */

/* Map into the kernel half of every kernel root. Global is added where the design allows it:
 * everywhere in an unsplit design, else nowhere (see kspace_map_visible). 0 or -ENOMEM, -EEXIST. */
int kspace_map(uint64_t va, uint64_t pa, uint64_t flags);
/* Map into the kernel half of every kernel root and of every user root, Global in both. No-op on
 * the user side when !boot_design->split. CPU entry area only. */
int kspace_map_visible(uint64_t va, uint64_t pa, uint64_t flags);
/* The same with a zeroed frame, @visible as the second of them. Its address; or 0, memory is short,
 * and nothing has changed but for page tables. */
uint64_t kspace_map_new(uint64_t va, uint64_t flags, bool visible);
/* Unmap what kspace_map() mapped. Returns the old entry. The caller calls
 * tlb_flush_kernel_half(), once for many, before the frame or the address serves anything else. */
uint64_t kspace_unmap(uint64_t va);
/* The same for kspace_map_visible(), with the flush. IRQs off, no lock held. */
uint64_t kspace_unmap_visible(uint64_t va);

/* Fill a new kernel root's, or a new user root's, kernel half from the shared entries. */
void kspace_fill_kernel_root(uint64_t root);
void kspace_fill_user_root(uint64_t user_root);
/* Does every user root share top-level slot @slot? The others' trees are a space's own. */
bool kspace_is_shared_slot(unsigned slot);

/* Map device registers, uncached. Returns the virtual address; panics when out of room. */
volatile void *kspace_map_mmio(uint64_t pa, uint64_t len);

#endif
