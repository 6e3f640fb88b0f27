/* SPDX-License-Identifier: MIT */
/* sources: boot/bootinfo.c boot/bootmem.c */
/* test_bootinfo.c - multiboot2 information: what is understood, and that nothing is read outside
 * it. */
#include "tests/host/multiboot2.h"
#include "boot/bootmem.h"

static void everything(void **state)
{
	static const char rsdp[36] = "RSD PTR ";

	(void)state;
	begin();
	tag(1, 8 + 12);
	put("entry=first", 12);
	tag(3, 8 + 8 + 4);
	put32(0x200000);
	put32(0x234567);
	put("arc", 4);
	tag(3, 8 + 8 + 1);		/* a second module is nobody's */
	put32(0x900000);
	put32(0x900001);
	put("", 1);
	memory();
	tag(8, 8 + 24);
	put64(0xb8000);
	put32(160);
	put32(80);
	put32(25);
	put32(16 | 2 << 8);
	tag(14, 8 + 20);
	put(rsdp, 20);
	tag(15, 8 + 36);
	put(rsdp, 36);
	tag(0x1234, 8 + 5);		/* unknown: stepped over */
	put("12345", 5);
	end();

	assert_null(parse());
	assert_string_equal(bi.loader, "multiboot2");
	assert_string_equal(bi.cmdline, "entry=first");
	assert_false(bi.cmdline_too_long);
	assert_int_equal(bi.archive_pa, 0x200000);
	assert_int_equal(bi.archive_len, 0x34567);
	assert_int_equal(bi.mem_count, 1);
	assert_int_equal(bi.mem[0].base, 0x100000);
	assert_int_equal(bi.mem[0].len, 0x700000);
	assert_true(bi.mem[0].usable);
	assert_true(bi.vga_text);
	assert_int_equal(bi.rsdp_len, 36);
	assert_memory_equal(bi.rsdp_copy, "RSD PTR ", 8);
}

static void framebuffer_is_no_text_screen(void **state)
{
	(void)state;
	begin();
	memory();
	tag(8, 8 + 24);
	put64(0xe0000000);
	put32(4096);
	put32(1024);
	put32(768);
	put32(32 | 1 << 8);
	end();
	assert_null(parse());
	assert_false(bi.vga_text);
}

/* Cut good information off at every length: a sentence each time, and no read past the end. */
static void cut_off_anywhere(void **state)
{
	size_t full;

	(void)state;
	begin();
	tag(1, 8 + 4);
	put("a=b", 4);
	memory();
	tag(15, 8 + 36);
	put((char[36]){ 0 }, 36);
	end();
	full = used;
	assert_null(parse());
	for (size_t n = 1; n < full; n++) {
		uint32_t total = n;

		assert_non_null(parse_sized(n));	/* says it is longer than it is */
		memcpy(info, &total, sizeof(total));	/* and admits it */
		assert_non_null(parse_sized(n));
		total = full;
		memcpy(info, &total, sizeof(total));
	}
}

/* Each byte of good information set to each extreme: whatever the answer, no read past the end. */
static void any_byte_wrong(void **state)
{
	static const uint8_t values[] = { 0, 1, 7, 8, 0x7f, 0x80, 0xff };

	(void)state;
	begin();
	tag(1, 8 + 4);
	put("a=b", 4);
	tag(3, 8 + 9);
	put32(0x200000);
	put32(0x300000);
	put("", 1);
	memory();
	tag(14, 8 + 20);
	put((char[20]){ 0 }, 20);
	end();
	for (size_t i = 0; i < used; i++) {
		uint8_t good = info[i];

		for (unsigned v = 0; v < sizeof(values); v++) {
			info[i] = values[v];
			parse();
		}
		info[i] = good;
	}
	assert_null(parse());
}

static void command_line_lengths(void **state)
{
	char line[BOOT_CMDLINE_MAX + 1];

	(void)state;
	memset(line, 'x', sizeof(line));
	for (int over = 0; over < 2; over++) {
		size_t n = BOOT_CMDLINE_MAX - 1 + over;

		begin();
		memory();
		tag(1, 8 + n + 1);
		put(line, n);
		put("", 1);
		end();
		assert_null(parse());
		assert_int_equal(bi.cmdline_too_long, over);
		assert_int_equal(strlen(bi.cmdline), BOOT_CMDLINE_MAX - 1);
	}
	begin();
	memory();
	tag(1, 8 + 16);
	put(line, 16);
	end();
	assert_malformed(parse(), "command line has no end");
}

/* Longer entries of a later version and an empty range. */
static void unusual_memory_maps(void **state)
{
	(void)state;
	begin();
	tag(6, 16 + 3 * 32);
	put32(32);
	put32(1);
	for (uint32_t i = 0; i < 3; i++) {
		put64(i * 0x1000);
		put64(i == 1 ? 0 : 0x1000);
		put32(i == 0 ? 1 : 2);
		put32(0);
		put64(0xdead);
	}
	end();
	assert_null(parse());
	assert_int_equal(bi.mem_count, 2);
	assert_true(bi.mem[0].usable);
	assert_false(bi.mem[1].usable);
	assert_int_equal(bi.mem[1].base, 0x2000);
}

#define MORE 10			/* ranges than there is room for */

/* A map of so many ranges: RAM at each @every-th, in steps that no two have in common. */
static void long_map(unsigned every, unsigned count)
{
	begin();
	tag(6, 16 + count * 24);
	put32(24);
	put32(0);
	for (uint32_t i = 0; i < count; i++) {
		put64((uint64_t)i << 20);
		put64((1 + (uint64_t)(i * 7 % count)) << 12);
		put32(i % every == 0 ? 1 : 2);
		put32(0);
	}
	end();
}

static uint64_t known(bool usable)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < bi.mem_count; i++)
		sum += bi.mem[i].usable == usable ? bi.mem[i].len : 0;
	return sum;
}

/* Of a map that is too long the least RAM is given up, and told; whatever is no RAM stays known. */
static void the_least_ram_is_given_up(void **state)
{
	(void)state;
	for (unsigned every = 1; every <= 4; every++) {
		unsigned count = BOOT_MEM_RANGES + MORE, ram = 0;
		uint64_t other = 0, all = 0, least = 0;

		for (unsigned size = 1; size <= count; size++)	/* in pages, each is there once */
			for (unsigned i = 0; i < count; i++)
				if (1 + i * 7 % count == size && i % every == 0) {
					all += size << 12;
					least += ram++ < MORE ? size << 12 : 0;
				} else if (1 + i * 7 % count == size) {
					other += size << 12;
				}
		long_map(every, count);
		assert_null(parse());
		assert_false(bi.mem_truncated);
		assert_int_equal(bi.mem_count, BOOT_MEM_RANGES);
		assert_int_equal(known(false), other);
		assert_int_equal(bi.mem_given_up, least);
		assert_int_equal(known(true), all - least);
	}
	long_map(4, BOOT_MEM_RANGES);
	assert_null(parse());
	assert_int_equal(bi.mem_given_up, 0);
	assert_int_equal(bi.mem_count, BOOT_MEM_RANGES);
}

/* More ranges that are no RAM than there is room for: no boot can be safe. */
static void too_much_that_is_no_ram(void **state)
{
	(void)state;
	long_map(BOOT_MEM_RANGES + MORE, BOOT_MEM_RANGES);
	assert_null(parse());
	assert_false(bi.mem_truncated);
	long_map(BOOT_MEM_RANGES + MORE, BOOT_MEM_RANGES + 1);
	assert_null(parse());
	assert_false(bi.mem_truncated);		/* at the one range of RAM's cost */
	assert_int_equal(known(true), 0);
	long_map(BOOT_MEM_RANGES + MORE, BOOT_MEM_RANGES + 2);
	assert_null(parse());
	assert_true(bi.mem_truncated);
}

static void ram_above_a_limit_is_counted_and_forgotten(void **state)
{
	static const struct mem_range map[] = {
		{ 0x1000, 0x7000, true },	/* across */
		{ 0x3000, 0x1000, true },	/* up to it */
		{ 0x4000, 0x1000, true },	/* from it on */
		{ 0x2000, 0x9000, false },
		{ ~0ul - 0xfff, 0xfff, true },
	};

	(void)state;
	memset(&bi, 0, sizeof(bi));
	memcpy(bi.mem, map, sizeof(map));
	bi.mem_count = 5;
	assert_int_equal(bootmem_limit_ram(&bi, 0x4000), 0x4000 + 0x1000 + 0xfff);
	assert_int_equal(known(true), 0x3000 + 0x1000);
	assert_int_equal(known(false), 0x9000);
	for (size_t i = 0; i < bi.mem_count; i++)	/* or what lies there would still be the
							 * end of RAM */
		assert_true(!bi.mem[i].usable || bi.mem[i].base < 0x4000);
	assert_int_equal(bootmem_limit_ram(&bi, 0x4000), 0);
	assert_int_equal(bootmem_limit_ram(&bi, 0), 0x4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(framebuffer_is_no_text_screen),
		cmocka_unit_test(cut_off_anywhere),
		cmocka_unit_test(any_byte_wrong),
		cmocka_unit_test(command_line_lengths),
		cmocka_unit_test(unusual_memory_maps),
		cmocka_unit_test(the_least_ram_is_given_up),
		cmocka_unit_test(too_much_that_is_no_ram),
		cmocka_unit_test(ram_above_a_limit_is_counted_and_forgotten),
	};

	return cmocka_run_group_tests_name("bootinfo", tests, NULL, NULL);
}
