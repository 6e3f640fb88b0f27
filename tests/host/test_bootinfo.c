/* SPDX-License-Identifier: MIT */
/* sources: kernel/bootinfo.c */
/* test_bootinfo.c - multiboot2 information: what is understood, and that nothing is read outside it. */
#include "tests/host/multiboot2.h"

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

/* Cut good information off at every length: a sentence each time, and no read behind the end. */
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

/* Every byte of good information set to every extreme: whatever the answer, no read behind the end. */
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

/* Longer entries of a later version, an empty range, and more ranges than there is room for. */
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

	begin();
	tag(6, 16 + (BOOT_MEM_RANGES + 1) * 24);
	put32(24);
	put32(0);
	for (uint32_t i = 0; i <= BOOT_MEM_RANGES; i++) {
		put64(i * 0x1000);
		put64(0x1000);
		put64(1);
	}
	end();
	assert_null(parse());
	assert_int_equal(bi.mem_count, BOOT_MEM_RANGES);
	assert_true(bi.mem_truncated);
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
	};

	return cmocka_run_group_tests_name("bootinfo", tests, NULL, NULL);
}
