/* SPDX-License-Identifier: MIT */
/* sources: boot/bootinfo.c boot/bootmem.c */
/* test_bootinfo_malformed.c - malformed multiboot2 information: a sentence that says what is
 * wrong. */
#include "tests/host/multiboot2.h"

static void impossible_sizes(void **state)
{
	static const uint32_t totals[] = { 0, 8, 15, 0xffffffff, 0xfffffff8 };
	static const uint32_t sizes[] = { 0, 1, 7, 0x7fffffff, 0xfffffff9, 0xffffffff };

	(void)state;
	for (unsigned i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		begin();
		memory();
		end();
		memcpy(info, &totals[i], 4);
		assert_malformed(parse(), "impossible size");
	}
	/* A size of 0 would be read for ever. */
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		begin();
		memory();
		tag(99, sizes[i]);
		end();
		assert_malformed(parse(), "tag has an impossible size");
	}
	assert_malformed(bootinfo_parse_multiboot2(&bi, info, 0), "cut off");
}

static void no_end_or_no_memory(void **state)
{
	uint32_t total;

	(void)state;
	begin();
	memory();
	total = used;
	memcpy(info, &total, 4);
	assert_malformed(parse(), "no end tag");
	begin();
	end();
	assert_malformed(parse(), "no memory map");
}

static void bad_modules(void **state)
{
	(void)state;
	for (uint32_t end_at = 0x1fffff; end_at <= 0x200000; end_at++) {
		begin();
		memory();
		tag(3, 8 + 9);
		put32(0x200000);
		put32(end_at);
		put("", 1);
		end();
		assert_malformed(parse(), "module");
	}
	begin();
	memory();
	tag(3, 8 + 4);
	put32(0);
	end();
	assert_malformed(parse(), "too short");
}

static void bad_memory_maps(void **state)
{
	static const uint32_t entry_sizes[] = { 0, 8, 23, 25, 0xffffffff };

	(void)state;
	for (unsigned i = 0; i < sizeof(entry_sizes) / sizeof(entry_sizes[0]); i++) {
		begin();
		tag(6, 16 + 24);
		put32(entry_sizes[i]);
		put32(0);
		put((char[24]){ 0 }, 24);
		end();
		assert_malformed(parse(), "impossible size");
	}
	begin();
	tag(6, 8);
	end();
	assert_malformed(parse(), "too short");
	begin();
	tag(6, 16 + 24);
	put32(24);
	put32(0);
	put64(0xfffffffffffff000);
	put64(0x2000);
	put64(1);
	end();
	assert_malformed(parse(), "past the end");
}

static void short_acpi_and_framebuffer(void **state)
{
	(void)state;
	begin();
	memory();
	tag(14, 8 + 8);
	put64(0);
	end();
	assert_malformed(parse(), "RSDP");
	begin();
	memory();
	tag(8, 8 + 16);
	put64(0);
	put64(0);
	end();
	assert_malformed(parse(), "framebuffer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(impossible_sizes),
		cmocka_unit_test(no_end_or_no_memory),
		cmocka_unit_test(bad_modules),
		cmocka_unit_test(bad_memory_maps),
		cmocka_unit_test(short_acpi_and_framebuffer),
	};

	return cmocka_run_group_tests_name("bootinfo_malformed", tests, NULL, NULL);
}
