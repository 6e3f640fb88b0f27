/* SPDX-License-Identifier: MIT */
/*
 * archive.c - the boot archive: POSIX ustar, regular files only.
 *
 * archive_check() looks at every header once; the other functions then trust
 * them.  Whatever this kernel's own build does not produce is refused.
 */
#include "kernel/load/archive.h"
#include <stdbool.h>
#include <stdint.h>
#include "kernel/lib/string.h"

#define BLOCK 512

struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
	char type, linkname[100], magic[6], version[2], uname[32], gname[32];
	char devmajor[8], devminor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a ustar header is one block");

/* An octal field: digits, then a NUL or a space, or the field's end. */
static bool octal(const char *field, size_t len, uint64_t *value)
{
	size_t i = 0;

	*value = 0;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
		*value = *value * 8 + (uint64_t)(field[i] - '0');
	return i && (i == len || field[i] == '\0' || field[i] == ' ');
}

/* The sum of the header's bytes, its own field counted as spaces. */
static bool checksum_right(const struct ustar *h)
{
	const unsigned char *bytes = (const unsigned char *)h;
	size_t from = offsetof(struct ustar, checksum);
	uint64_t stored, sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= from && i < from + sizeof(h->checksum) ? ' ' : bytes[i];
	return octal(h->checksum, sizeof(h->checksum), &stored) && stored == sum;
}

static bool all_zero(const char *block)
{
	for (size_t i = 0; i < BLOCK; i++)
		if (block[i])
			return false;
	return true;
}

static const struct ustar *header_at(const struct archive *a, size_t offset)
{
	return (const struct ustar *)(a->base + offset);
}

static uint64_t file_size(const struct ustar *h)
{
	uint64_t size;

	octal(h->size, sizeof(h->size), &size);
	return size;
}

/* Offset of the header after the one at @offset. */
static size_t next_header(const struct archive *a, size_t offset)
{
	return offset + BLOCK + ((file_size(header_at(a, offset)) + BLOCK - 1) & -(uint64_t)BLOCK);
}

/* What is wrong with @h, after which @room bytes are left; or NULL. */
static const char *check_header(const struct ustar *h, size_t room)
{
	uint64_t size;

	if (memcmp(h->magic, "ustar", 6) || memcmp(h->version, "00", 2))
		return "boot archive: a header is not ustar";
	if (!checksum_right(h))
		return "boot archive: a header's checksum is wrong";
	if (h->type != '0')
		return "boot archive: an entry is not a regular file";
	if (!h->name[0] || h->name[sizeof(h->name) - 1] || h->prefix[0])
		return "boot archive: a file's name is empty or longer than 99 bytes";
	if (!octal(h->size, sizeof(h->size), &size))
		return "boot archive: a file's size is not an octal number";
	if (size > room || ((size + BLOCK - 1) & -(uint64_t)BLOCK) > room)
		return "boot archive: truncated, a file runs past the end";
	return NULL;
}

const char *archive_check(const struct archive *a)
{
	size_t offset = 0;

	while (offset <= a->len && a->len - offset >= BLOCK) {
		const char *wrong;

		if (all_zero(a->base + offset))
			return NULL;
		wrong = check_header(header_at(a, offset), a->len - offset - BLOCK);
		if (wrong)
			return wrong;
		offset = next_header(a, offset);
	}
	return "boot archive: truncated, the block of zeroes at its end is missing";
}

const char *archive_name(const struct archive *a, unsigned i)
{
	size_t offset = 0;

	for (; !all_zero(a->base + offset); offset = next_header(a, offset))
		if (!i--)
			return header_at(a, offset)->name;
	return NULL;
}

const void *archive_find_some(const struct archive *a, const char *name, size_t *len, size_t *at,
			      unsigned n)
{
	while (n--) {
		if (all_zero(a->base + *at)) {
			*at = 0;
			break;
		}
		if (strcmp(header_at(a, *at)->name, name) == 0) {
			*len = file_size(header_at(a, *at));
			return a->base + *at + BLOCK;
		}
		*at = next_header(a, *at);
	}
	return NULL;
}

const void *archive_find(const struct archive *a, const char *name, size_t *len)
{
	size_t at = 0;

	return archive_find_some(a, name, len, &at, ~0u);
}
