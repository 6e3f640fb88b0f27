/* SPDX-License-Identifier: MIT */
/* test_abuse_numbers.c - system-call numbers that do not exist, and some that look as if they
 * did. */
#include "print.h"
#include "test.h"
#include "user.h"

static void refused(unsigned long number)
{
	long result = raw_syscall(number, 0, 0, 0, 0);

	if (result != -ENOSYS)
		printf("# number 0x%lx returned %ld\n", number, result);
	CHECK(result == -ENOSYS);
}

int main(const char *arg, size_t len)
{
	uint64_t random = test_seed(arg);

	(void)len;
	for (unsigned long n = SYSCALL_COUNT; n < SYSCALL_COUNT + 1024; n++)
		refused(n);
	for (unsigned bit = 5; bit < 64; bit++) {
		/* Each of these has a valid number in its low bits: exit, thread_exit and shutdown
		 * among them. */
		for (unsigned long n = 0; n < SYSCALL_COUNT; n++)
			refused(1ul << bit | n);
		refused((1ul << bit) - 1);
		refused(-(1ul << bit));
	}
	for (unsigned long n = 1; n <= SYSCALL_COUNT + 1; n++)
		refused(-n);
	for (int i = 0; i < 10000; i++) {
		unsigned long n = test_random(&random) >> (i % 58);

		if (n >= SYSCALL_COUNT)
			refused(n);
	}
	CHECK_EQUAL(raw_syscall(SYS_null, ~0ul, ~0ul, ~0ul, ~0ul), 0);
	return test_result();
}
