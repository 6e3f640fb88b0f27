/* SPDX-License-Identifier: MIT */
/* sources: boot/bootmem.c */
/*
 * fuzz_bootmem.c - memory maps of any length, and RAM beyond what can be mapped.
 *
 * An input is the limit, and records: how often a range comes, where, how long, of which kind.
 * No byte of RAM is lost without being counted, and nothing that is no RAM is forgotten.
 */
#include "tests/host/fuzz/fuzz.h"
#include "boot/bootmem.h"

#define MOST		256		/* ranges of an input */

typedef unsigned __int128 wide;

static struct bootinfo bi;
static struct mem_range given[MOST];
static unsigned given_count;

static wide sum(const struct mem_range *r, size_t count, bool usable)
{
	wide total = 0;

	for (size_t i = 0; i < count; i++)
		if (r[i].usable == usable)
			total += r[i].len;
	return total;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct mem_range));
}

/* @count ranges in an order of their own, without what lies between their fields. */
static const struct mem_range *sorted(struct mem_range *to, const struct mem_range *from,
				      size_t count)
{
	memset(to, 0, count * sizeof(*to));
	for (size_t i = 0; i < count; i++) {
		to[i].base = from[i].base;
		to[i].len = from[i].len;
		to[i].usable = from[i].usable;
	}
	qsort(to, count, sizeof(*to), compare);
	return to;
}

static uint64_t shortest_kept(void)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < bi.mem_count; i++)
		if (bi.mem[i].usable && bi.mem[i].len < least)
			least = bi.mem[i].len;
	return least;
}

/* What is kept was given, as often; what was given and is not kept might be missing. */
static void check_each(void)
{
	static struct mem_range a[MOST], b[BOOT_MEM_RANGES];
	const struct mem_range *all = sorted(a, given, given_count);
	const struct mem_range *kept = sorted(b, bi.mem, bi.mem_count);
	uint64_t least = shortest_kept();
	size_t k = 0;

	for (unsigned i = 0; i < given_count; i++) {
		if (k < bi.mem_count && !compare(&all[i], &kept[k]))
			k++;
		else
			MUST(all[i].usable ? all[i].len <= least : bi.mem_truncated);
	}
	MUST(k == bi.mem_count);
}

static void check_kept(void)
{
	wide lost = sum(given, given_count, true) - sum(bi.mem, bi.mem_count, true);

	MUST(bi.mem_count == (given_count < BOOT_MEM_RANGES ? given_count : BOOT_MEM_RANGES));
	MUST(bi.mem_given_up == (uint64_t)lost);
	check_each();
	if (bi.mem_truncated)
		MUST(sum(bi.mem, bi.mem_count, true) == 0);
}

static void add(uint64_t base, uint64_t len, bool usable)
{
	const char *why = bootmem_add(&bi, base, len, usable);
	bool right = len <= UINT64_MAX - base || !len;

	MUST(!why == right);
	if (right && len)
		given[given_count++] = (struct mem_range){ base, len, usable };
}

/* Times, kind, base and length; a length byte of 0 is none, one of 255 reaches beyond the end. */
static void add_record(struct input *in)
{
	unsigned count = take8(in), kind = take8(in);
	uint64_t base = (uint64_t)take16(in) << (kind >> 1 & 0x3f), len = take16(in);

	if (kind & 1 && len == 0xffff)
		len = UINT64_MAX;
	for (unsigned i = 0; i < count && given_count < MOST; i++)
		add(base + i * 0x1000, len ? len + (i * 37 % 11) : 0, kind & 1);
}

static void check_limit(uint64_t limit)
{
	struct bootinfo before = bi;
	wide ram = sum(bi.mem, bi.mem_count, true);
	uint64_t cut = bootmem_limit_ram(&bi, limit);

	MUST(bi.mem_count == before.mem_count);
	MUST((uint64_t)(ram - sum(bi.mem, bi.mem_count, true)) == cut);
	for (size_t i = 0; i < bi.mem_count; i++) {
		const struct mem_range *was = &before.mem[i], *r = &bi.mem[i];

		if (was->usable && was->base < limit)
			MUST(r->usable && r->base == was->base && r->len <= was->len &&
			     r->base + r->len <= limit &&
			     (r->len == was->len || r->base + r->len == limit));
		else if (was->usable)
			MUST(!r->len && !r->usable);
		else
			MUST(r->base == was->base && r->len == was->len && !r->usable);
	}
	MUST(!bootmem_limit_ram(&bi, limit));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint64_t limit = (uint64_t)take16(&in) << (take8(&in) & 0x3f);

	memset(&bi, 0, sizeof(bi));
	given_count = 0;
	while (in.left && given_count < MOST)
		add_record(&in);
	check_kept();
	check_limit(limit);
	return 0;
}
