/* SPDX-License-Identifier: MIT */
/* sources: boot/bootinfo.c boot/bootmem.c */
/*
 * fuzz_pvh.c - the start information of a PVH loader, whose pointers may lead anywhere.
 *
 * An input is the start information, and the memory from physical address MEMORY_PA on.  Each
 * piece of it that the parser asks for is handed out as memory of exactly that size.
 */
#include "tests/host/fuzz/fuzz.h"
#include "boot/bootinfo.h"

#define MEMORY_PA	0x1000ul
#define INFO_SIZE	56
#define MOST_PIECES	2048

static const uint8_t *memory;
static uint64_t memory_size;
static void *pieces[MOST_PIECES];
static unsigned piece_count;

static const uint8_t *look(uint64_t pa, uint64_t len)
{
	bool there = pa >= MEMORY_PA && pa - MEMORY_PA <= memory_size &&
		     len <= memory_size - (pa - MEMORY_PA);

	return there ? memory + (pa - MEMORY_PA) : NULL;
}

static const void *phys(uint64_t pa, size_t len)
{
	const uint8_t *p = look(pa, len);

	if (!p)
		return NULL;
	MUST(piece_count < MOST_PIECES);
	return pieces[piece_count++] = exact_copy(p, len);
}

/* --- the second reader ------------------------------------------------------------------ */

static struct bootinfo want;
static bool map_seen_full;

static bool cmdline_right(uint64_t pa)
{
	for (unsigned n = 0; n < BOOT_CMDLINE_MAX; n++) {
		const uint8_t *c = look(pa + n, 1);

		if (!c)
			return false;
		want.cmdline[n] = *c;
		if (!*c)
			return true;
	}
	want.cmdline[BOOT_CMDLINE_MAX - 1] = '\0';
	want.cmdline_too_long = true;
	return true;
}

static bool module_right(uint64_t pa)
{
	const uint8_t *m = look(pa, 32);

	if (!m || !read64(m + 8) || read64(m) > UINT64_MAX - read64(m + 8))
		return false;
	want.archive_pa = read64(m);
	want.archive_len = read64(m + 8);
	return true;
}

static bool memory_right(uint64_t pa, uint32_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		const uint8_t *r = look(pa + i * 24, 24);

		if (!r)
			return false;
		if (!read64(r + 8))
			continue;
		if (read64(r) > UINT64_MAX - read64(r + 8))
			return false;
		if (want.mem_count == BOOT_MEM_RANGES)
			map_seen_full = true;
		else
			want.mem[want.mem_count++] = (struct mem_range){
				read64(r), read64(r + 8), read32(r + 16) == 1
			};
	}
	return want.mem_count;
}

static bool is_right(const uint8_t *si)
{
	memset(&want, 0, sizeof(want));
	map_seen_full = false;
	if (read32(si) != 0x336ec578 || !read32(si + 4))
		return false;
	want.rsdp_pa = read64(si + 32);
	if (read64(si + 24) && !cmdline_right(read64(si + 24)))
		return false;
	if (read32(si + 12) && !module_right(read64(si + 16)))
		return false;
	return memory_right(read64(si + 40), read32(si + 48));
}

/* --- what must hold ------------------------------------------------------------------------- */

static void check_taken(const struct bootinfo *got)
{
	MUST(!strcmp(got->loader, "pvh") && !got->vga_text && !got->rsdp_len);
	MUST(memchr(got->cmdline, 0, BOOT_CMDLINE_MAX) && !strcmp(got->cmdline, want.cmdline));
	MUST(got->cmdline_too_long == want.cmdline_too_long && got->rsdp_pa == want.rsdp_pa);
	MUST(got->archive_pa == want.archive_pa && got->archive_len == want.archive_len);
	MUST(got->mem_count && got->mem_count <= BOOT_MEM_RANGES);
	if (map_seen_full)
		return;
	MUST(got->mem_count == want.mem_count && !got->mem_given_up && !got->mem_truncated);
	for (size_t i = 0; i < want.mem_count; i++)
		MUST(got->mem[i].base == want.mem[i].base && got->mem[i].len == want.mem[i].len &&
		     got->mem[i].usable == want.mem[i].usable);
}

static const char *parse(struct bootinfo *bi, const uint8_t *si)
{
	const char *why = bootinfo_parse_pvh(bi, si, phys);

	while (piece_count)
		free(pieces[--piece_count]);
	return why;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bootinfo got, again;
	struct input in = { data, size };
	uint8_t *si = malloc(INFO_SIZE);
	const char *why;

	MUST(si);
	take(&in, si, INFO_SIZE);
	memory = in.at;
	memory_size = in.left;
	memset(&got, 0xa5, sizeof(got));
	memset(&again, 0x5a, sizeof(again));
	why = parse(&got, si);
	MUST(parse(&again, si) == why);
	/* Of a map that cannot be kept the rest may be unread: the kernel refuses it afterwards. */
	if (got.mem_count != BOOT_MEM_RANGES || !got.mem_truncated) {
		MUST(!why == is_right(si));
		if (!why) {
			check_taken(&got);
			check_taken(&again);
		}
	}
	free(si);
	return 0;
}
