/* SPDX-License-Identifier: MIT */
/* bootinfo.h - what the boot loader told us, copied out of its memory at once. */
#ifndef KERNEL_BOOTINFO_H
#define KERNEL_BOOTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOT_MEM_RANGES	128
#define BOOT_CMDLINE_MAX 512		/* including the terminating NUL */

struct mem_range {
	uint64_t base, len;	/* bytes, as the firmware gave them: unsorted, may overlap */
	bool usable;
};

struct bootinfo {
	const char *loader;		/* "multiboot2" or "pvh" */
	char cmdline[BOOT_CMDLINE_MAX];
	bool cmdline_too_long;		/* it did not fit: the boot must stop and say so */
	struct mem_range mem[BOOT_MEM_RANGES];
	size_t mem_count;
	uint64_t mem_given_up;		/* bytes of RAM in ranges beyond BOOT_MEM_RANGES, the
					 * smallest ones */
	bool mem_truncated;	/* that many ranges are no RAM alone: what is cannot be told */
	uint64_t archive_pa, archive_len;	/* boot archive (first module); 0, 0 when absent */
	uint64_t rsdp_pa;		/* physical address of an RSDP, or 0 */
	uint8_t rsdp_copy[36];		/* multiboot2 hands a copy; valid when rsdp_len != 0 */
	uint32_t rsdp_len;
	bool vga_text;			/* 80x25 text buffer at 0xb8000 */
};

#define MULTIBOOT2_MAGIC 0x36d76289u
#define PVH_MAGIC 0x336ec578u		/* first word of struct hvm_start_info */

/* Parse what the loader left at @info (readable through the early identity map, or any memory on
 * the host). @info_max bounds every read.  Returns NULL, or a sentence that says what is
 * malformed. */
const char *bootinfo_parse_multiboot2(struct bootinfo *bi, const void *info, size_t info_max);
const char *bootinfo_parse_pvh(struct bootinfo *bi, const void *info,
			       const void *(*phys)(uint64_t pa, size_t len));

#endif
