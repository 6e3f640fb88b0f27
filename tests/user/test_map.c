/* SPDX-License-Identifier: MIT */
/* test_map.c - anonymous memory: zeroed, protected as asked for, gone after unmap(). */
#include "arch/x86_64/trapframe.h"
#include "mm/layout.h"
#include "string.h"
#include "test.h"
#include "user.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_map"
#define PAGES 33
#define HUGE_PAGES (1ul << 34)	/* 64 TiB */
#define RANGES_MAX 20000

static bool all_zero(const char *p, size_t n)
{
	while (n && !*p)
		p++, n--;
	return !n;
}

/* Fill, give back, map again: whatever frames come must be clean. */
static void zeroed(void)
{
	for (int round = 0; round < 3; round++) {
		char *p = map_memory(PAGES * PAGE_SIZE, PROT_WRITE);

		if (!CHECK(p != NULL))
			return;
		CHECK(((uintptr_t)p & (PAGE_SIZE - 1)) == 0);
		CHECK(all_zero(p, PAGES * PAGE_SIZE));
		memset(p, 0xa5, PAGES * PAGE_SIZE);
		CHECK_EQUAL(sys_unmap((uintptr_t)p, PAGES * PAGE_SIZE), 0);
	}
}

/* Read a byte with DF set, as a program may: what the kernel does about a page fault must go
 * upwards all the same. */
static void touch_with_df(const volatile char *p)
{
	__asm__ volatile("std\n\tmovb (%0), %%al\n\tcld" : : "r"(p) : "al", "memory", "cc");
}

/* Whatever the direction flag: the page that was asked for is zeroed, and no frame beside it. */
static void zeroed_with_df(void)
{
	char *p = map_memory(PAGES * PAGE_SIZE, PROT_WRITE);
	size_t kept = 0;

	for (size_t i = 0; i < PAGES; i++) {
		touch_with_df(p + i * PAGE_SIZE);
		CHECK(all_zero(p + i * PAGE_SIZE, PAGE_SIZE));
		memset(p + i * PAGE_SIZE, 0xa5, PAGE_SIZE);
	}
	while (kept < PAGES * PAGE_SIZE && p[kept] == (char)0xa5)
		kept++;
	CHECK_EQUAL(kept, PAGES * PAGE_SIZE);
	CHECK_EQUAL(sys_unmap((uintptr_t)p, PAGES * PAGE_SIZE), 0);
}

static void refused(void)
{
	unsigned long p = (uintptr_t)map_memory(3 * PAGE_SIZE, PROT_WRITE);

	CHECK_EQUAL(sys_map(PAGE_SIZE, PROT_WRITE | PROT_EXEC), -EINVAL);
	CHECK_EQUAL(sys_map(PAGE_SIZE, 4), -EINVAL);
	CHECK_EQUAL(sys_map(PAGE_SIZE, ~0ul), -EINVAL);
	CHECK_EQUAL(sys_map(PAGE_SIZE, 1ul << 32), -EINVAL);
	CHECK_EQUAL(sys_map(0, PROT_WRITE), -EINVAL);
	for (unsigned long len = USER_END; len > USER_END / 2; len = len * 2 - PAGE_SIZE)
		CHECK(sys_map(len, PROT_WRITE) < 0);
	CHECK(sys_map(~0ul, PROT_WRITE) < 0);
	CHECK(sys_map(~0ul - 4095, PROT_WRITE) < 0);

	CHECK_EQUAL(sys_unmap(p, PAGE_SIZE), -EINVAL);			/* a part */
	CHECK_EQUAL(sys_unmap(p + PAGE_SIZE, PAGE_SIZE), -EINVAL);
	CHECK_EQUAL(sys_unmap(p, 4 * PAGE_SIZE), -EINVAL);		/* too much */
	CHECK_EQUAL(sys_unmap(p + 1, 3 * PAGE_SIZE), -EINVAL);
	CHECK_EQUAL(sys_unmap((uintptr_t)main & ~4095ul, PAGE_SIZE), -EINVAL);
	CHECK_EQUAL(sys_unmap(USER_STACK_TOP - USER_STACK_SIZE, USER_STACK_SIZE), -EINVAL);
	CHECK_EQUAL(sys_unmap(p, 3 * PAGE_SIZE), 0);
	CHECK_EQUAL(sys_unmap(p, 3 * PAGE_SIZE), -EINVAL);		/* again */
}

/* More mappings than a page table has entries, all alive, each with its own contents. */
static void many(void)
{
	static char *page[600];

	for (size_t i = 0; i < 600; i++) {
		page[i] = map_memory(PAGE_SIZE, PROT_WRITE);
		if (!CHECK(page[i] != NULL))
			return;
		*(size_t *)page[i] = i;
	}
	for (size_t i = 0; i < 600; i++) {
		CHECK(*(size_t *)page[i] == i);
		CHECK_EQUAL(sys_unmap((uintptr_t)page[i], PAGE_SIZE), 0);
	}
}

/* A handful of pages in a range without end, at the ends of tables of every level: unmap() finds
 * them all. */
static void sparse(void)
{
	static const size_t at[] = { 0,	      511,	 512,	    0x3ffff,
				     0x40000, 0x7ffffff, 0x8000000, HUGE_PAGES - 1 };
	long before = sys_bench_control(BENCH_FRAMES_USED, 0);

	for (int round = 0; round < 2; round++) {
		char *p = map_memory(HUGE_PAGES * PAGE_SIZE, PROT_WRITE);

		if (!CHECK(p != NULL))
			return;
		for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
			CHECK(!p[at[i] * PAGE_SIZE]);
			p[at[i] * PAGE_SIZE] = 1;
		}
		for (size_t i = 0; i < 512; i++)	/* each with a table of its own */
			p[0x10000000000 + i * 0x200000] = 1;
		CHECK_EQUAL(sys_unmap((uintptr_t)p, HUGE_PAGES * PAGE_SIZE), 0);
		CHECK_EQUAL(sys_bench_control(BENCH_FRAMES_USED, 0), before);
	}
}

/* The kernel remembers each range: there is a limit, and at it nothing breaks. */
static void too_many(void)
{
	static long range[RANGES_MAX];
	size_t n = 0;

	while (n < RANGES_MAX && (range[n] = sys_map(PAGE_SIZE, PROT_WRITE)) > 0)
		n++;
	CHECK(n > 10000 && n < RANGES_MAX);
	CHECK_EQUAL(range[n], -ENOMEM);
	*(volatile char *)range[n - 1] = 1;
	CHECK_EQUAL(sys_unmap((unsigned long)range[n / 2], PAGE_SIZE), 0);
	CHECK_EQUAL(sys_map(PAGE_SIZE, PROT_WRITE), range[n / 2]);
	CHECK_EQUAL(sys_map(PAGE_SIZE, PROT_WRITE), -ENOMEM);
	while (n--)
		CHECK_EQUAL(sys_unmap((unsigned long)range[n], PAGE_SIZE), 0);
}

static void read_unmapped(void)
{
	volatile char *p = map_memory(PAGE_SIZE, PROT_WRITE);

	*p = 1;		/* so that the TLB knows it */
	if (!sys_unmap((uintptr_t)p, PAGE_SIZE))
		(void)*p;
}

static void write_read_only(void)
{
	volatile char *p = map_memory(PAGE_SIZE, 0);

	if (!*p)
		*p = 1;
}

static void write_executable(void)
{
	*(volatile char *)map_memory(PAGE_SIZE, PROT_EXEC) = 1;
}

/* Zeroes are `add %al, (%rax)`: with rax non-canonical the fetch works exactly if #GP comes, not
 * #PF. */
static void run_zeroes(void *page)
{
	__asm__ volatile("call *%0" : : "r"(page), "a"(0x8000000000000000) : "memory");
}

static void execute(void)
{
	run_zeroes(map_memory(PAGE_SIZE, PROT_EXEC));
}

static void execute_data(void)
{
	run_zeroes(map_memory(PAGE_SIZE, PROT_WRITE));
}

static const struct offence offences[] = {
	{ "read_unmapped", read_unmapped, KILLED_BY(VECTOR_PF) },
	{ "write_read_only", write_read_only, KILLED_BY(VECTOR_PF) },
	{ "write_executable", write_executable, KILLED_BY(VECTOR_PF) },
	{ "execute", execute, KILLED_BY(VECTOR_GP) },
	{ "execute_data", execute_data, KILLED_BY(VECTOR_PF) },
};

int main(const char *arg, size_t len)
{
	(void)len;
	if (!starts_with(arg, "child=")) {
		zeroed();
		zeroed_with_df();
		refused();
		many();
		sparse();
		too_many();
	}
	return test_offences(PROGRAM, arg, offences, sizeof(offences) / sizeof(offences[0]));
}
