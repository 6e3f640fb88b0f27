/* SPDX-License-Identifier: MIT */
/* archive.h - the boot archive: a ustar file, read in place. */
#ifndef KERNEL_ARCHIVE_H
#define KERNEL_ARCHIVE_H

#include <stddef.h>

struct archive {
	const char *base;
	size_t len;
};

/* Check every header (magic, checksum, sizes inside the archive). NULL, or a sentence saying what
 * is wrong. */
const char *archive_check(const struct archive *a);
/* Find regular file @name. Returns its bytes and *len, or NULL. The archive has been checked. */
const void *archive_find(const struct archive *a, const char *name, size_t *len);
/* The same, but among the next @n files only: from *@at on, 0 for the first. NULL with *@at 0:
 * there is none. */
const void *archive_find_some(const struct archive *a, const char *name, size_t *len, size_t *at,
			      unsigned n);
/* The @i-th file's name (NUL-terminated, valid as long as the archive), or NULL after the last. */
const char *archive_name(const struct archive *a, unsigned i);

#endif
