/* SPDX-License-Identifier: MIT */
/* sources: boot/bootinfo.c boot/bootmem.c */
/* test_bootinfo_pvh.c - PVH start information, well-formed and not; its pointers may lead
 * nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/bootinfo.h"

static struct bootinfo bi;

static void assert_malformed(const char *why, const char *about)
{
	assert_non_null(why);
	if (!strstr(why, about))
		fail_msg("expected a sentence about \"%s\", got \"%s\"", about, why);
}

#define PHYS_SIZE	8192

static uint8_t *phys_memory;		/* physical addresses 0..PHYS_SIZE; the rest is not there */

static const void *phys(uint64_t pa, size_t len)
{
	return len <= PHYS_SIZE && pa <= PHYS_SIZE - len ? phys_memory + pa : NULL;
}

struct start_info {
	uint32_t magic, version, flags, modules;
	uint64_t modlist, cmdline, rsdp, memmap;
	uint32_t memmap_entries, reserved;
};

static struct start_info good_start_info(void)
{
	const uint64_t module[4] = { 0x5000, 0x123, 0, 0 };
	const uint64_t map[6] = { 0, 0x9fc00, 1, 0x9fc00, 0x400, 2 };

	memset(phys_memory, 0, PHYS_SIZE);
	memcpy(phys_memory + 0x100, "tests=user", 11);
	memcpy(phys_memory + 0x200, module, sizeof(module));
	memcpy(phys_memory + 0x300, map, sizeof(map));
	return (struct start_info){
		.magic = PVH_MAGIC, .version = 1, .modules = 1, .modlist = 0x200, .cmdline = 0x100,
		.rsdp = 0xf5a00, .memmap = 0x300, .memmap_entries = 2,
	};
}

static const char *parse_pvh(const struct start_info *si)
{
	memset(&bi, 0xa5, sizeof(bi));
	return bootinfo_parse_pvh(&bi, si, phys);
}

static int setup(void **state)
{
	(void)state;
	phys_memory = malloc(PHYS_SIZE);
	return !phys_memory;
}

static int teardown(void **state)
{
	(void)state;
	free(phys_memory);
	return 0;
}

static void everything(void **state)
{
	struct start_info si = good_start_info();

	(void)state;
	assert_null(parse_pvh(&si));
	assert_string_equal(bi.loader, "pvh");
	assert_string_equal(bi.cmdline, "tests=user");
	assert_int_equal(bi.archive_pa, 0x5000);
	assert_int_equal(bi.archive_len, 0x123);
	assert_int_equal(bi.rsdp_pa, 0xf5a00);
	assert_int_equal(bi.rsdp_len, 0);
	assert_int_equal(bi.mem_count, 2);
	assert_true(bi.mem[0].usable);
	assert_false(bi.mem[1].usable);
	assert_false(bi.vga_text);

	si.modules = 0;
	si.cmdline = 0;
	assert_null(parse_pvh(&si));
	assert_string_equal(bi.cmdline, "");
	assert_int_equal(bi.archive_len, 0);
}

static void wrong_magic_or_version(void **state)
{
	struct start_info si = good_start_info();
	void *v0 = malloc(offsetof(struct start_info, memmap));

	(void)state;
	si.version = 0;
	memcpy(v0, &si, offsetof(struct start_info, memmap));
	assert_malformed(bootinfo_parse_pvh(&bi, v0, phys), "version 0");
	free(v0);
	si.magic ^= 1;
	assert_malformed(parse_pvh(&si), "magic");
}

static void pointers_to_nowhere(void **state)
{
	static const uint64_t nowhere[] = { PHYS_SIZE, PHYS_SIZE - 8, 1ul << 40, UINT64_MAX,
					    UINT64_MAX - 7 };

	(void)state;
	for (unsigned i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		struct start_info si = good_start_info();

		memset(phys_memory + PHYS_SIZE - 8, 'x', 8);
		si.cmdline = nowhere[i];
		assert_malformed(parse_pvh(&si), "command line");
		si = good_start_info();
		si.modlist = nowhere[i];
		assert_malformed(parse_pvh(&si), "module list");
		si = good_start_info();
		si.memmap = nowhere[i];
		assert_malformed(parse_pvh(&si), "memory map lies");
	}
}

static void bad_module(void **state)
{
	struct start_info si = good_start_info();
	const uint64_t empty[2] = { 0x5000, 0 }, wraps[2] = { 0x5000, UINT64_MAX };

	(void)state;
	memcpy(phys_memory + 0x200, empty, sizeof(empty));
	assert_malformed(parse_pvh(&si), "module");
	memcpy(phys_memory + 0x200, wraps, sizeof(wraps));
	assert_malformed(parse_pvh(&si), "module");
	si = good_start_info();
	si.modules = UINT32_MAX;		/* only the first is read */
	assert_null(parse_pvh(&si));
}

static void bad_memory_map(void **state)
{
	struct start_info si = good_start_info();
	const uint64_t wraps[2] = { 0x2000, UINT64_MAX };

	(void)state;
	si.memmap_entries = 0;
	assert_malformed(parse_pvh(&si), "no memory map");
	si.memmap_entries = UINT32_MAX;
	assert_malformed(parse_pvh(&si), "memory map lies");
	si = good_start_info();
	memcpy(phys_memory + 0x300, wraps, sizeof(wraps));
	assert_malformed(parse_pvh(&si), "past the end");
}

static void command_line_lengths(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		struct start_info si = good_start_info();

		si.cmdline = 0x1000;
		memset(phys_memory + 0x1000, 'x', BOOT_CMDLINE_MAX - 1 + over);
		assert_null(parse_pvh(&si));
		assert_int_equal(bi.cmdline_too_long, over);
		assert_int_equal(strlen(bi.cmdline), BOOT_CMDLINE_MAX - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(wrong_magic_or_version),
		cmocka_unit_test(pointers_to_nowhere),
		cmocka_unit_test(bad_module),
		cmocka_unit_test(bad_memory_map),
		cmocka_unit_test(command_line_lengths),
	};

	return cmocka_run_group_tests_name("bootinfo_pvh", tests, setup, teardown);
}
