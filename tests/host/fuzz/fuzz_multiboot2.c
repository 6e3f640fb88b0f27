/* SPDX-License-Identifier: MIT */
/* sources: boot/bootinfo.c boot/bootmem.c */
/*
 * fuzz_multiboot2.c - the information that a multiboot2 loader leaves.
 *
 * An input is a byte of flags, and the information.  What is malformed is told, everything else is
 * taken as a second reader takes it.
 */
#include "tests/host/fuzz/fuzz.h"
#include "boot/bootinfo.h"

#define RIGHT_SIZE	1		/* flag: its first word is its size */

/* --- the second reader, which sees a tag's bytes and their number -------------------------- */

static struct bootinfo want;
static bool map_seen_full;		/* more ranges than are kept: fuzz_bootmem.c's business */

static bool cmdline_right(const uint8_t *body, uint64_t len)
{
	const uint8_t *end = memchr(body, 0, len);
	size_t n;

	if (!len || !end)
		return false;
	n = end - body;
	if (n > BOOT_CMDLINE_MAX - 1) {
		want.cmdline_too_long = true;
		n = BOOT_CMDLINE_MAX - 1;
	}
	memcpy(want.cmdline, body, n);
	want.cmdline[n] = '\0';
	return true;
}

static bool module_right(const uint8_t *body, uint64_t len)
{
	if (len < 8 || read32(body) >= read32(body + 4))
		return false;
	if (!want.archive_len) {
		want.archive_pa = read32(body);
		want.archive_len = read32(body + 4) - read32(body);
	}
	return true;
}

static bool range_right(const uint8_t *range)
{
	uint64_t base = read64(range), len = read64(range + 8);

	if (!len)
		return true;
	if (len > UINT64_MAX - base)
		return false;
	if (want.mem_count == BOOT_MEM_RANGES)
		map_seen_full = true;
	else
		want.mem[want.mem_count++] =
			(struct mem_range){ base, len, read32(range + 16) == 1 };
	return true;
}

static bool memory_right(const uint8_t *body, uint64_t len)
{
	uint64_t step;

	if (len < 8)
		return false;
	step = read32(body);
	if (step < 24 || (len - 8) % step)
		return false;
	for (uint64_t at = 8; at < len; at += step)
		if (!range_right(body + at))
			return false;
	return true;
}

static bool framebuffer_right(const uint8_t *body, uint64_t len)
{
	if (len < 22)
		return false;
	want.vga_text = read64(body) == 0xb8000 && read32(body + 12) == 80 &&
			read32(body + 16) == 25 && body[21] == 2;
	return true;
}

static bool rsdp_right(const uint8_t *body, uint64_t len)
{
	if (len < 20)
		return false;
	if (len > 36)
		len = 36;
	if (len > want.rsdp_len) {
		want.rsdp_len = len;
		memcpy(want.rsdp_copy, body, len);
	}
	return true;
}

static bool tag_right(uint32_t type, const uint8_t *body, uint64_t len)
{
	switch (type) {
	case 1:
		return cmdline_right(body, len);
	case 3:
		return module_right(body, len);
	case 6:
		return memory_right(body, len);
	case 8:
		return framebuffer_right(body, len);
	case 14:
	case 15:
		return rsdp_right(body, len);
	default:
		return true;
	}
}

static bool is_right(const uint8_t *info, uint64_t have)
{
	uint64_t at = 8, total;

	memset(&want, 0, sizeof(want));
	map_seen_full = false;
	if (have < 8)
		return false;
	total = read32(info);
	if (total > have || total < 16)
		return false;
	for (;; at = (at + 7) / 8 * 8) {
		uint64_t len;

		if (at + 8 > total)
			return false;
		len = read32(info + at + 4);
		if (len < 8 || at + len > total)
			return false;
		if (!read32(info + at))
			return want.mem_count;
		if (!tag_right(read32(info + at), info + at + 8, len - 8))
			return false;
		at += len;
	}
}

/* --- what must hold ------------------------------------------------------------------------- */

static void check_memory(const struct bootinfo *got)
{
	MUST(got->mem_count && got->mem_count <= BOOT_MEM_RANGES);
	if (map_seen_full)
		return;
	MUST(got->mem_count == want.mem_count && !got->mem_given_up && !got->mem_truncated);
	for (size_t i = 0; i < want.mem_count; i++)
		MUST(got->mem[i].base == want.mem[i].base && got->mem[i].len == want.mem[i].len &&
		     got->mem[i].usable == want.mem[i].usable);
}

static void check_taken(const struct bootinfo *got)
{
	MUST(!strcmp(got->loader, "multiboot2"));
	MUST(memchr(got->cmdline, 0, BOOT_CMDLINE_MAX) && !strcmp(got->cmdline, want.cmdline));
	MUST(got->cmdline_too_long == want.cmdline_too_long);
	MUST(got->archive_pa == want.archive_pa && got->archive_len == want.archive_len);
	MUST(!got->rsdp_pa && got->rsdp_len == want.rsdp_len);
	MUST(!memcmp(got->rsdp_copy, want.rsdp_copy, want.rsdp_len));
	MUST(got->vga_text == want.vga_text);
	check_memory(got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bootinfo got, again;
	struct input in = { data, size };
	uint8_t flags = take8(&in), *info = exact_copy(in.at, in.left);
	uint32_t total = in.left;
	const char *why;

	if (flags & RIGHT_SIZE && total >= 4)
		memcpy(info, &total, 4);
	memset(&got, 0xa5, sizeof(got));
	memset(&again, 0x5a, sizeof(again));
	why = bootinfo_parse_multiboot2(&got, info, total);
	MUST(bootinfo_parse_multiboot2(&again, info, total) == why);
	MUST(!why == is_right(info, total));
	if (!why) {
		check_taken(&got);
		check_taken(&again);
	}
	free(info);
	return 0;
}
