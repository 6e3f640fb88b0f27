/* SPDX-License-Identifier: MIT */
/* test_abuse_pointers.c - bad pointers and lengths in every system call that takes one. */
#include "bystander.h"
#include "mm/layout.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "user.h"

#define LINE 128		/* that console_write() reads at once */
#define CANONICAL_END 0x800000000000ul	/* first non-canonical address */

static char buffer[2 * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static const char name[] = "sleeper";

/* No byte here may be touched for a program. */
static const unsigned long bad[] = {
	0,
	1,
	PAGE_SIZE - 1,
	USER_END - 1,
	USER_END,
	USER_END + 1,
	USER_STACK_TOP - USER_STACK_SIZE - 64,
	CANONICAL_END - 64,
	CANONICAL_END - 1,
	CANONICAL_END,
	0xffff7fffffffffff,
	DIRECT_MAP_BASE,
	DIRECT_MAP_BASE + KERNEL_LOAD_PA,
	KSTACK_AREA_BASE,
	HEAP_AREA_BASE,
	MMIO_AREA_BASE,
	CPU_ENTRY_AREA_BASE,
	CEA_FIRST_BLOCK,
	TRAMPOLINE_AREA_BASE,
	KERNEL_IMAGE_BASE,
	KERNEL_IMAGE_BASE + KERNEL_LOAD_PA,
	~0ul - 63,
	~0ul,
};
#define BAD_COUNT (sizeof(bad) / sizeof(bad[0]))

/* Every call with a pointer, that pointer bad and the rest as it should be. */
static void each_call(unsigned long p)
{
	unsigned long good = (uintptr_t)buffer, n = strlen(name);
	const struct {
		const char *what;
		long result;
	} tried[] = {
		{ "copy64 in", sys_copy64(p, good) },
		{ "copy64 out", sys_copy64(good, p) },
		{ "console_write", sys_console_write(p, 64) },
		{ "spawn name", sys_spawn(p, n, good, 0) },
		{ "spawn arg", sys_spawn((uintptr_t)name, n, p, 16) },
		{ "bench_report name", sys_bench_report(p, 16, good, 1) },
		{ "bench_report values", sys_bench_report((uintptr_t)name, n, p, 8) },
	};

	for (size_t i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
		if (tried[i].result != -EFAULT)
			printf("# %s with pointer 0x%lx returned %ld\n", tried[i].what, p,
			       tried[i].result);
		CHECK(tried[i].result == -EFAULT);
	}
}

/* The address whose page is mapped while the next page is not. */
static unsigned long edge(void)
{
	unsigned long low = (uintptr_t)map_memory(PAGE_SIZE, PROT_WRITE);
	unsigned long high = (uintptr_t)map_memory(PAGE_SIZE, PROT_WRITE);

	CHECK(low && high && low < high);
	CHECK_EQUAL(sys_unmap(high, PAGE_SIZE), 0);
	return low + PAGE_SIZE;
}

static void half_way(void)
{
	unsigned long end = edge();

	/* Less than the shortest of them, the 7 letters of "sleeper". */
	for (unsigned long inside = 1; inside < sizeof(name) - 1; inside++)
		each_call(end - inside);
	/* All of it inside: allowed. */
	CHECK_EQUAL(sys_copy64(end - 64, end - 64), 0);
	CHECK_EQUAL(sys_copy64(end - 63, (uintptr_t)buffer), -EFAULT);
	CHECK_EQUAL(sys_copy64((uintptr_t)buffer, end - 63), -EFAULT);
}

static void read_only(void)
{
	unsigned long good = (uintptr_t)buffer, constant = (uintptr_t)map_memory(PAGE_SIZE, 0);

	CHECK_EQUAL(sys_copy64(good, (uintptr_t)main), -EFAULT);
	CHECK_EQUAL(sys_copy64(good, (uintptr_t)name), -EFAULT);
	CHECK_EQUAL(sys_copy64(good, constant), -EFAULT);
	CHECK_EQUAL(sys_copy64(constant, good), 0);
	/* Demand-zero on either side, brought in by the kernel's own access. */
	CHECK_EQUAL(sys_copy64((uintptr_t)map_memory(PAGE_SIZE, PROT_WRITE), good), 0);
	CHECK_EQUAL(sys_copy64(good, (uintptr_t)map_memory(PAGE_SIZE, PROT_WRITE)), 0);
}

static bool refused(long result)
{
	return result == -EFAULT || result == -EINVAL;
}

static void lengths(void)
{
	static const unsigned long lens[] = {
		4097, 8192, 1ul << 20, 1ul << 31, 1ul << 32, (1ul << 32) + 1, 1ul << 47, 1ul << 63,
		~0ul - 4095, ~0ul,
	};
	unsigned long good = (uintptr_t)buffer;

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		CHECK_EQUAL(sys_console_write(good, lens[i]), -EINVAL);
		CHECK_EQUAL(sys_spawn((uintptr_t)name, lens[i], good, 0), -EINVAL);
		CHECK_EQUAL(sys_spawn((uintptr_t)name, strlen(name), good, lens[i]), -EINVAL);
		CHECK_EQUAL(sys_bench_report((uintptr_t)name, lens[i], good, 1), -EINVAL);
		CHECK_EQUAL(sys_bench_report((uintptr_t)name, strlen(name), good, lens[i]),
			    -EINVAL);
		/* Length times 8 or pointer plus length wraps around. */
		CHECK(refused(sys_bench_report((uintptr_t)name, strlen(name), ~0ul - 7, lens[i])));
		CHECK(refused(sys_console_write(~0ul - 7, lens[i])));
		CHECK_EQUAL(sys_unmap(good & ~4095ul, lens[i]), -EINVAL);
	}
	CHECK_EQUAL(sys_bench_report((uintptr_t)name, strlen(name), good, 0), -EINVAL);
	CHECK(refused(sys_console_write(USER_END - 64, 4096)));
}

/* What can be read is written, and counted. */
static void cut_off(void)
{
	char *page = map_memory(PAGE_SIZE, PROT_WRITE);	/* the last map: nothing lies after it */
	char *line = page + PAGE_SIZE - LINE;

	memset(line, '#', LINE - 1);
	line[LINE - 1] = '\n';
	CHECK_EQUAL(sys_console_write((uintptr_t)line, 2 * LINE), LINE);
	CHECK_EQUAL(sys_console_write((uintptr_t)line + LINE, LINE), -EFAULT);
}

/* Addresses that are kept, not followed. */
static void kept_addresses(void)
{
	for (size_t i = 0; i < BAD_COUNT; i++) {
		if (bad[i] >= USER_END) {
			CHECK_EQUAL(sys_thread_create(bad[i], (uintptr_t)buffer, 0), -EINVAL);
			CHECK_EQUAL(sys_set_fs_base(bad[i]), -EINVAL);
		}
		CHECK_EQUAL(sys_unmap(bad[i], PAGE_SIZE), -EINVAL);
		CHECK_EQUAL(sys_unmap(bad[i], 0), -EINVAL);
	}
}

int main(const char *arg, size_t len)
{
	struct bystander_thread witness;

	(void)arg;
	(void)len;
	CHECK_EQUAL(bystander_start(&witness, 2), 0);
	for (size_t i = 0; i < BAD_COUNT; i++)
		each_call(bad[i]);
	half_way();
	read_only();
	lengths();
	cut_off();
	kept_addresses();
	CHECK(bystander_stop(&witness));
	return test_result();
}
