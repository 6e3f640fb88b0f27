/* SPDX-License-Identifier: MIT */
/* sources: kernel/load/archive.c */
/*
 * fuzz_archive.c - boot archives.
 *
 * An input is a list of records (add_record()), because a header of 512 bytes with a checksum
 * cannot be guessed byte by byte.  An archive is taken exactly if a second reader takes it, and
 * then both see the same files.
 */
#include "tests/host/fuzz/fuzz.h"
#include "kernel/load/archive.h"

#define BLOCK	512
#define MOST	(24 * BLOCK)

static uint8_t image[MOST + 9 * BLOCK];
static size_t image_len;

/* --- from the input to an archive --------------------------------------------- */

#define WRONG_CHECKSUM	1		/* in a header's flags */
#define RAW_SIZE	2		/* 12 bytes follow as they are, else a number of 16 bits */
#define CHECKSUM_IN_FULL 4		/* 8 digits without an end */

static void set_checksum(uint8_t *h, uint8_t flags)
{
	unsigned sum = 0;
	char text[16];

	memset(h + 148, ' ', 8);
	for (int i = 0; i < BLOCK; i++)
		sum += h[i];
	snprintf(text, sizeof(text), flags & CHECKSUM_IN_FULL ? "%08o" : "%06o",
		 sum + (flags & WRONG_CHECKSUM));
	memcpy(h + 148, text, flags & CHECKSUM_IN_FULL ? 8 : 7);
}

/* Flags, the size, the name with its length before it, and how many bytes to change. */
static void add_header(struct input *in)
{
	uint8_t *h = image + image_len, flags = take8(in);
	char text[16] = "";

	memset(h, 0, BLOCK);
	memcpy(h + 257, "ustar\00000", 8);
	h[156] = '0';
	if (flags & RAW_SIZE)
		take(in, text, 12);
	else
		snprintf(text, sizeof(text), "%011o", take16(in));
	memcpy(h + 124, text, 12);
	take(in, h, take8(in) % 101);
	for (unsigned n = take8(in) % 8; n; n--) {
		unsigned at = take16(in) % BLOCK;

		h[at] = take8(in);
	}
	set_checksum(h, flags);
	image_len += BLOCK;
}

/* False when nothing may follow. */
static bool add_record(struct input *in)
{
	size_t n;

	switch (take8(in) % 4) {
	case 0:
		add_header(in);
		return true;
	case 1:				/* a file's blocks */
		n = take8(in) % 8 * BLOCK;
		memset(image + image_len, 'x', n);
		image_len += n;
		return true;
	case 2:
		memset(image + image_len, 0, BLOCK);
		image_len += BLOCK;
		return true;
	default:			/* a piece of a block */
		n = take16(in) % BLOCK;
		memset(image + image_len, 0, n);
		image_len += n;
		return false;
	}
}

/* --- the second reader --------------------------------------------------------- */

static struct {
	const uint8_t *header;
	size_t size;
} files[MOST / BLOCK];
static unsigned file_count;

static bool number(const uint8_t *field, size_t len, uint64_t *value)
{
	char text[13] = "";
	size_t digits;

	memcpy(text, field, len);
	digits = strspn(text, "01234567");
	*value = strtoull(text, NULL, 8);
	return digits && (digits == len || text[digits] == ' ' || text[digits] == '\0');
}

static bool header_right(const uint8_t *h)
{
	uint64_t stored, size, sum = 8 * ' ';

	for (int i = 0; i < BLOCK; i++)
		sum += i < 148 || i >= 156 ? h[i] : 0;
	return !memcmp(h + 257, "ustar\00000", 8) && number(h + 148, 8, &stored) && stored == sum &&
	       h[156] == '0' && h[0] && !h[99] && !h[345] && number(h + 124, 12, &size);
}

static bool is_right(const uint8_t *a, size_t len)
{
	static const uint8_t zeroes[BLOCK];
	size_t block = 0;

	for (file_count = 0;; file_count++) {
		const uint8_t *h = a + block * BLOCK;
		uint64_t size;

		if ((block + 1) * BLOCK > len)
			return false;
		if (!memcmp(h, zeroes, BLOCK))
			return true;
		if (!header_right(h))
			return false;
		number(h + 124, 12, &size);
		block += 1 + size / BLOCK + (size % BLOCK != 0);
		if (block * BLOCK > len)
			return false;
		files[file_count].header = h;
		files[file_count].size = size;
	}
}

/* --- what must hold --------------------------------------------------------------- */

/* The first file of that name, looked for at once and in steps of every length. */
static void check_find(const struct archive *a, const char *name)
{
	const uint8_t *want = NULL;
	size_t want_len = 0, len = 0;

	for (unsigned i = file_count; i-- > 0;)
		if (!strcmp((const char *)files[i].header, name)) {
			want = files[i].header + BLOCK;
			want_len = files[i].size;
		}
	MUST(archive_find(a, name, &len) == (const void *)want && len == want_len);
	for (unsigned step = 1; step <= file_count + 1; step++) {
		const void *found = NULL;
		size_t at = 0, turns = 0;

		len = 0;
		do
			found = archive_find_some(a, name, &len, &at, step);
		while (!found && at && ++turns <= file_count);
		MUST(found == (const void *)want && len == want_len && (found || !at));
	}
}

static void check_files(const struct archive *a)
{
	for (unsigned i = 0; i < file_count; i++) {
		const char *name = archive_name(a, i);

		MUST(name == (const char *)files[i].header && strlen(name) < 100);
		MUST(files[i].header + BLOCK + files[i].size <= (const uint8_t *)a->base + a->len);
		check_find(a, name);
	}
	MUST(!archive_name(a, file_count));
	MUST(!archive_name(a, file_count + 1));
	check_find(a, "");
	check_find(a, "no such file");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct archive a;
	const char *wrong;
	char *copy;

	image_len = 0;
	while (in.left && image_len < MOST && add_record(&in))
		;
	copy = exact_copy(image, image_len);
	a = (struct archive){ copy, image_len };
	wrong = archive_check(&a);
	MUST(archive_check(&a) == wrong);
	MUST(!wrong == is_right((const uint8_t *)copy, image_len));
	MUST(!memcmp(copy, image, image_len));
	if (!wrong)
		check_files(&a);
	else
		MUST(!strncmp(wrong, "boot archive: ", 14));
	free(copy);
	return 0;
}
