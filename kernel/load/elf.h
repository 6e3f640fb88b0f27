/* SPDX-License-Identifier: MIT */
/* elf.h - check a static ELF64 program and load it into an address space. */
#ifndef KERNEL_ELF_H
#define KERNEL_ELF_H

#include <stddef.h>
#include <stdint.h>

struct aspace;

/* Check the whole of @image first (headers inside the file, segments page-congruent, in the user
 * half, not overlapping, none both W and X, entry inside an executable segment), then map and
 * copy. Returns 0 with *entry set; -ENOEXEC with *why naming what is wrong and nothing mapped;
 * -ENOMEM. */
int elf_load(struct aspace *as, const void *image, size_t len, uint64_t *entry, const char **why);

#endif
