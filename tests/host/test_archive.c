/* SPDX-License-Identifier: MIT */
/* test_archive.c - the boot archive, whole and damaged. Every copy has its exact size, so a read
 * past it is seen. */
/* sources: kernel/load/archive.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/load/archive.h"

#define BLOCK 512

static char *image;			/* heap copy under test */
static struct archive archive;

static void checksum(char *h)
{
	unsigned sum = 0;

	memset(h + 148, ' ', 8);
	for (int i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
}

static size_t put_file(char *at, const char *name, const char *bytes, size_t len)
{
	memset(at, 0, BLOCK);
	strncpy(at, name, 100);
	snprintf(at + 100, 8, "%07o", 0755);
	snprintf(at + 124, 12, "%011zo", len);
	at[156] = '0';
	memcpy(at + 257, "ustar\00000", 8);
	checksum(at);
	memset(at + BLOCK, 0, (len + BLOCK - 1) / BLOCK * BLOCK);
	memcpy(at + BLOCK, bytes, len);
	return BLOCK + (len + BLOCK - 1) / BLOCK * BLOCK;
}

/* Two files and the end: 512 + 512, 512 + 1024, 1024 bytes. */
static int setup(void **state)
{
	char buf[8 * BLOCK], big[600];
	size_t n;

	(void)state;
	memset(buf, 0, sizeof(buf));
	memset(big, 'x', sizeof(big));
	n = put_file(buf, "init", "hello", 5);
	n += put_file(buf + n, "bench", big, sizeof(big));
	n += 2 * BLOCK;
	image = malloc(n);
	memcpy(image, buf, n);
	archive = (struct archive){ image, n };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(image);
	return 0;
}

static void assert_wrong(const char *part)
{
	const char *wrong = archive_check(&archive);

	assert_non_null(wrong);
	if (!strstr(wrong, part))
		fail_msg("said \"%s\", not \"%s\"", wrong, part);
}

static void shrink(size_t len)
{
	image = realloc(image, len);
	archive = (struct archive){ image, len };
}

static void finds_files(void **state)
{
	size_t len = 0;
	const char *bytes;

	(void)state;
	assert_null(archive_check(&archive));
	bytes = archive_find(&archive, "init", &len);
	assert_non_null(bytes);
	assert_int_equal(len, 5);
	assert_memory_equal(bytes, "hello", 5);
	assert_non_null(archive_find(&archive, "bench", &len));
	assert_int_equal(len, 600);
	assert_null(archive_find(&archive, "ini", &len));
	assert_null(archive_find(&archive, "init2", &len));
	assert_null(archive_find(&archive, "", &len));
	assert_string_equal(archive_name(&archive, 0), "init");
	assert_string_equal(archive_name(&archive, 1), "bench");
	assert_null(archive_name(&archive, 2));
	shrink(archive.len - BLOCK);		/* one block of zeroes is enough */
	assert_null(archive_check(&archive));
}

static void empty_archive(void **state)
{
	size_t len;

	(void)state;
	memset(image, 0, BLOCK);
	shrink(BLOCK);
	assert_null(archive_check(&archive));
	assert_null(archive_name(&archive, 0));
	assert_null(archive_find(&archive, "init", &len));
	archive = (struct archive){ NULL, 0 };
	assert_wrong("truncated");
}

/* Every length short of the last file's end is an error, and nothing beyond the length is read. */
static void truncated_anywhere(void **state)
{
	size_t whole = archive.len - 2 * BLOCK;

	(void)state;
	for (size_t len = whole + BLOCK - 1; len != (size_t)-1; len--) {
		shrink(len ? len : 1);
		archive.len = len;
		assert_wrong("truncated");
	}
}

static void set_size(const char *field)
{
	memset(image + 124, 0, 12);
	memcpy(image + 124, field, strlen(field) < 12 ? strlen(field) : 12);
	checksum(image);
}

static void huge_and_odd_sizes(void **state)
{
	(void)state;
	set_size("777777777777");		/* no terminator: 64 GiB */
	assert_wrong("truncated");
	set_size("00000006001");		/* 3073: fits, but its last block does not */
	assert_wrong("truncated");
	set_size("");
	assert_wrong("octal");
	set_size("0000000000x");
	assert_wrong("octal");
	set_size("00000000008");
	assert_wrong("octal");
	set_size("\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");	/* the base-256 form */
	assert_wrong("octal");
	set_size("5 ");
	assert_null(archive_check(&archive));
}

static void bad_headers(void **state)
{
	(void)state;
	image[0] = 'j';
	assert_wrong("checksum");
	checksum(image);
	assert_null(archive_check(&archive));
	image[257] = 'U';
	checksum(image);
	assert_wrong("ustar");
	memcpy(image + 257, "ustar  ", 8);	/* the old GNU form */
	checksum(image);
	assert_wrong("ustar");
	memcpy(image + 257, "ustar\00000", 8);
	image[156] = '5';			/* a directory */
	checksum(image);
	assert_wrong("regular");
	image[156] = '0';
	memset(image, 'a', 100);		/* not terminated */
	checksum(image);
	assert_wrong("name");
	memset(image, 0, 100);
	checksum(image);
	assert_wrong("name");
	image[0] = 'a';
	image[345] = 'p';
	checksum(image);
	assert_wrong("name");
	image[345] = 0;
	memset(image + 148, 'z', 8);
	assert_wrong("checksum");
}

/* Any single damaged byte of a header is noticed. */
static void every_byte_counts(void **state)
{
	(void)state;
	for (int i = 0; i < BLOCK; i++) {
		image[i] ^= 0x11;
		if (i != 154 && i != 155)	/* what follows the checksum's digits may vary */
			assert_non_null(archive_check(&archive));
		image[i] ^= 0x11;
	}
	assert_null(archive_check(&archive));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_files), TEST(empty_archive), TEST(truncated_anywhere),
		TEST(huge_and_odd_sizes), TEST(bad_headers), TEST(every_byte_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
