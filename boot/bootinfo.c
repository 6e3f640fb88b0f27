/* SPDX-License-Identifier: MIT */
/*
 * bootinfo.c - read what the boot loader left: multiboot2 tags or a PVH start info.
 *
 * A loader's memory is input like any other: every read is bounded by the length
 * that was checked before it, and what does not add up stops the boot with a sentence.
 * Layouts: Multiboot2 specification 2.0, section 3.6; Xen's public/arch-x86/hvm/start_info.h.
 */
#include "boot/bootinfo.h"
#include "boot/bootmem.h"
#include "kernel/lib/string.h"

#define MEMORY_USABLE		1	/* the same number in both protocols: E820's RAM */
#define RSDP_V1_SIZE		20	/* ACPI 1.0 */

static void reset(struct bootinfo *bi, const char *loader)
{
	memset(bi, 0, sizeof(*bi));
	bi->loader = loader;
}

/* --- multiboot2 ------------------------------------------------------------ */

enum mb2_type {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_MODULE = 3,
	MB2_MEMORY = 6,
	MB2_FRAMEBUFFER = 8,
	MB2_ACPI_OLD = 14,
	MB2_ACPI_NEW = 15,
};

struct mb2_info {
	uint32_t total_size, reserved;
} __attribute__((packed));

struct mb2_tag {
	uint32_t type, size;		/* size counts this head, not the padding to 8 */
} __attribute__((packed));

struct mb2_module {
	uint32_t start, end;
} __attribute__((packed));

struct mb2_memory {
	uint32_t entry_size, entry_version;
} __attribute__((packed));

struct mb2_range {
	uint64_t base, len;
	uint32_t type, reserved;
} __attribute__((packed));

struct mb2_framebuffer {
	uint64_t address;
	uint32_t pitch, width, height;
	uint8_t bpp, type;
} __attribute__((packed));

#define MB2_FRAMEBUFFER_EGA_TEXT 2
#define VGA_TEXT_PA		0xb8000
#define VGA_TEXT_COLUMNS	80
#define VGA_TEXT_ROWS		25

static const char *mb2_cmdline(struct bootinfo *bi, const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n])
		n++;
	if (n == len)
		return "the multiboot2 command line has no end";
	if (n >= BOOT_CMDLINE_MAX) {
		bi->cmdline_too_long = true;
		n = BOOT_CMDLINE_MAX - 1;
	}
	memcpy(bi->cmdline, s, n);
	bi->cmdline[n] = '\0';
	return NULL;
}

static const char *mb2_module(struct bootinfo *bi, const void *body, size_t len)
{
	struct mb2_module m;

	if (len < sizeof(m))
		return "a multiboot2 module tag is too short";
	memcpy(&m, body, sizeof(m));
	if (m.end <= m.start)
		return "a multiboot2 module ends before it starts, or is empty";
	if (!bi->archive_len) {
		bi->archive_pa = m.start;
		bi->archive_len = m.end - m.start;
	}
	return NULL;
}

static const char *mb2_memory(struct bootinfo *bi, const uint8_t *body, size_t len)
{
	struct mb2_memory head;
	struct mb2_range r;
	const char *why = NULL;

	if (len < sizeof(head))
		return "the multiboot2 memory map is too short";
	memcpy(&head, body, sizeof(head));
	body += sizeof(head);
	len -= sizeof(head);
	/* A later version may lengthen the entries, never shorten them. */
	if (head.entry_size < sizeof(r) || len % head.entry_size)
		return "the multiboot2 memory map has entries of an impossible size";
	for (; len && !why; len -= head.entry_size, body += head.entry_size) {
		memcpy(&r, body, sizeof(r));
		why = bootmem_add(bi, r.base, r.len, r.type == MEMORY_USABLE);
	}
	return why;
}

static const char *mb2_framebuffer(struct bootinfo *bi, const void *body, size_t len)
{
	struct mb2_framebuffer f;

	if (len < sizeof(f))
		return "the multiboot2 framebuffer tag is too short";
	memcpy(&f, body, sizeof(f));
	bi->vga_text = f.type == MB2_FRAMEBUFFER_EGA_TEXT && f.address == VGA_TEXT_PA &&
		       f.width == VGA_TEXT_COLUMNS && f.height == VGA_TEXT_ROWS;
	return NULL;
}

/* Both versions may be there: the longer copy wins. */
static const char *mb2_rsdp(struct bootinfo *bi, const void *body, size_t len)
{
	if (len < RSDP_V1_SIZE)
		return "the multiboot2 copy of the ACPI RSDP is too short";
	if (len > sizeof(bi->rsdp_copy))
		len = sizeof(bi->rsdp_copy);
	if (len > bi->rsdp_len) {
		memcpy(bi->rsdp_copy, body, len);
		bi->rsdp_len = len;
	}
	return NULL;
}

static const char *mb2_tag(struct bootinfo *bi, uint32_t type, const void *body, size_t len)
{
	switch (type) {
	case MB2_CMDLINE:
		return mb2_cmdline(bi, body, len);
	case MB2_MODULE:
		return mb2_module(bi, body, len);
	case MB2_MEMORY:
		return mb2_memory(bi, body, len);
	case MB2_FRAMEBUFFER:
		return mb2_framebuffer(bi, body, len);
	case MB2_ACPI_OLD:
	case MB2_ACPI_NEW:
		return mb2_rsdp(bi, body, len);
	default:
		return NULL;		/* tags that nobody here reads */
	}
}

const char *bootinfo_parse_multiboot2(struct bootinfo *bi, const void *info, size_t info_max)
{
	const uint8_t *at = info;
	struct mb2_info head;
	struct mb2_tag tag;
	const char *why;
	size_t left;

	reset(bi, "multiboot2");
	if (info_max < sizeof(head))
		return "the multiboot2 information is cut off";
	memcpy(&head, at, sizeof(head));
	if (head.total_size > info_max || head.total_size < sizeof(head) + sizeof(tag))
		return "the multiboot2 information has an impossible size";

	for (left = head.total_size - sizeof(head), at += sizeof(head);;) {
		size_t step;

		if (left < sizeof(tag))
			return "the multiboot2 information has no end tag";
		memcpy(&tag, at, sizeof(tag));
		if (tag.size < sizeof(tag) || tag.size > left)
			return "a multiboot2 tag has an impossible size";
		if (tag.type == MB2_END)
			break;
		why = mb2_tag(bi, tag.type, at + sizeof(tag), tag.size - sizeof(tag));
		if (why)
			return why;
		/* Tags are padded to 8; the last one's padding may be missing. */
		step = ((size_t)tag.size + 7) & ~(size_t)7;
		if (step > left)
			step = left;
		at += step;
		left -= step;
	}
	return bi->mem_count ? NULL : "the boot loader gave no memory map";
}

/* --- PVH ------------------------------------------------------------------- */

struct pvh_start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist_pa, cmdline_pa, rsdp_pa;
	/* from version 1 on */
	uint64_t memmap_pa;
	uint32_t memmap_entries, reserved;
} __attribute__((packed));

#define PVH_V0_SIZE offsetof(struct pvh_start_info, memmap_pa)

struct pvh_module {
	uint64_t pa, size, cmdline_pa, reserved;
} __attribute__((packed));

struct pvh_range {
	uint64_t base, len;
	uint32_t type, reserved;
} __attribute__((packed));

typedef const void *(*phys_fn)(uint64_t pa, size_t len);

/* Its length is not given, so it is read byte by byte: each is checked to be readable. */
static const char *pvh_cmdline(struct bootinfo *bi, uint64_t pa, phys_fn phys)
{
	for (size_t n = 0; n < BOOT_CMDLINE_MAX; n++) {
		const char *c = phys(pa + n, 1);

		if (!c)
			return "the PVH command line lies in memory that is not there";
		bi->cmdline[n] = *c;
		if (!*c)
			return NULL;
	}
	bi->cmdline[BOOT_CMDLINE_MAX - 1] = '\0';
	bi->cmdline_too_long = true;
	return NULL;
}

static const char *pvh_module(struct bootinfo *bi, uint64_t pa, phys_fn phys)
{
	struct pvh_module m;
	const void *p = phys(pa, sizeof(m));

	if (!p)
		return "the PVH module list lies in memory that is not there";
	memcpy(&m, p, sizeof(m));
	if (!m.size || m.pa + m.size < m.pa)
		return "the PVH module is empty or runs past the end of the address space";
	bi->archive_pa = m.pa;
	bi->archive_len = m.size;
	return NULL;
}

static const char *pvh_memory(struct bootinfo *bi, uint64_t pa, uint32_t count, phys_fn phys)
{
	struct pvh_range r;
	const char *why = NULL;

	for (uint32_t i = 0; i < count && !why && !bi->mem_truncated; i++) {
		const void *p = phys(pa + (uint64_t)i * sizeof(r), sizeof(r));

		if (!p)
			return "the PVH memory map lies in memory that is not there";
		memcpy(&r, p, sizeof(r));
		why = bootmem_add(bi, r.base, r.len, r.type == MEMORY_USABLE);
	}
	return why;
}

const char *bootinfo_parse_pvh(struct bootinfo *bi, const void *info, phys_fn phys)
{
	struct pvh_start_info si;
	const char *why = NULL;

	reset(bi, "pvh");
	memcpy(&si, info, PVH_V0_SIZE);
	if (si.magic != PVH_MAGIC)
		return "the PVH start info has the wrong magic number";
	if (si.version < 1)
		return "the PVH start info is of version 0, which has no memory map";
	memcpy(&si, info, sizeof(si));

	bi->rsdp_pa = si.rsdp_pa;
	if (si.cmdline_pa)
		why = pvh_cmdline(bi, si.cmdline_pa, phys);
	if (!why && si.nr_modules)
		why = pvh_module(bi, si.modlist_pa, phys);
	if (!why)
		why = pvh_memory(bi, si.memmap_pa, si.memmap_entries, phys);
	if (!why && !bi->mem_count)
		why = "the boot loader gave no memory map";
	return why;
}
