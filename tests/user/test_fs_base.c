/* SPDX-License-Identifier: MIT */
/* test_fs_base.c - FS base: one per thread, kept over switches, never outside the user half. */
#include "mm/layout.h"
#include "test.h"
#include "thread.h"
#include "user.h"

#define THREADS 4
#define ROUNDS 500

static bool good[THREADS];

static uint64_t word_at_fs(void)
{
	uint64_t v;

	__asm__ volatile("mov %%fs:0, %0" : "=r"(v));
	return v;
}

/* Each thread's own word, checked after every switch to the others. */
static void keep_mine(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	uint64_t mine = me * 0x1111111111111111 + 1;
	bool ok = sys_set_fs_base((uintptr_t)&mine) == 0;

	for (int i = 0; i < ROUNDS; i++) {
		ok &= word_at_fs() == mine;
		sys_yield();
	}
	good[me] = ok;
}

static void threads(void)
{
	struct user_thread t[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK_EQUAL(thread_start(&t[i], keep_mine, (void *)i), 0);
	for (uintptr_t i = 0; i < THREADS; i++) {
		CHECK_EQUAL(thread_finish(&t[i]), 0);
		CHECK(good[i]);
	}
}

static void refused(void)
{
	static const unsigned long bad[] = {
		USER_END, USER_END + 1, 0x7fffffffffff, 0x800000000000, 0x8000000000000000,
		0xffff7fffffffffff,
		0xffff800000000000, CPU_ENTRY_AREA_BASE, KERNEL_IMAGE_BASE, ~0ul,
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQUAL(sys_set_fs_base(bad[i]), -EINVAL);
}

int main(const char *arg, size_t len)
{
	uint64_t first = 0x123456789abcdef0, second = 0x0fedcba987654321;

	(void)arg;
	(void)len;
	CHECK_EQUAL(sys_set_fs_base((uintptr_t)&first), 0);
	CHECK(word_at_fs() == first);
	refused();
	CHECK(word_at_fs() == first);	/* a refusal changes nothing */
	threads();
	CHECK(word_at_fs() == first);
	CHECK_EQUAL(sys_set_fs_base((uintptr_t)&second), 0);
	CHECK(word_at_fs() == second);
	CHECK_EQUAL(sys_set_fs_base(USER_END - 1), 0);
	CHECK_EQUAL(sys_set_fs_base(0), 0);
	return test_result();
}
