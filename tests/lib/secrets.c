/* SPDX-License-Identifier: MIT */
/* secrets.c - a process with a secret in its memory and one in the registers of a sleeping
 * thread. */
#include "secrets.h"
#include "print.h"
#include "thread.h"
#include "user.h"
#include "tests/probe/abi.h"

const char *const secret_names[] = {
	[SECRET_DATA] = "data",
	[SECRET_HEAP] = "heap",
	[SECRET_KSTACK] = "kstack",
	[SECRET_PERCPU] = "private",
	[SECRET_PROCESS] = "process",
	[SECRET_REGISTERS] = "registers",
};

void sleep_with_secret(void *key)
{
	__asm__ volatile("imul	%1, %0\n\t"
			 "mov	%0, %%rbp\n\t"
			 "mov	%0, %%r12\n\t"
			 "mov	%0, %%r13\n\t"
			 "mov	%0, %%r14\n\t"
			 "mov	%0, %%r15\n\t"
			 "xor	%%edi, %%edi\n\t"
			 "mov	%2, %%eax\n\t"
			 "syscall\n\t"
			 "xor	%k0, %k0\n\t"
			 "xor	%%ebp, %%ebp\n\t"
			 "xor	%%r12d, %%r12d\n\t"
			 "xor	%%r13d, %%r13d\n\t"
			 "xor	%%r14d, %%r14d\n\t"
			 "xor	%%r15d, %%r15d"
			 : "+b"(key)
			 : "r"(SECRET_MULTIPLIER), "i"(SYS_sleep)
			 : "rax", "rcx", "rdi", "r11", "rbp", "r12", "r13", "r14", "r15", "memory",
			   "cc");
}

/* What another process finds: the exit code of the program `reader`. */
static int64_t ask_reader(uint64_t wanted)
{
	char arg[8];
	long status;

	snprintf(arg, sizeof(arg), "%lu", wanted);
	status = run("reader", arg);
	return status >= 1 << SECRETS ? -EINVAL : status;
}

static int look(struct sightings *s, unsigned long sleeper, uint64_t wanted)
{
	int64_t at_once = sys_bench_control(BENCH_LOOK_ASLEEP, sleeper), own, other;

	if (at_once < 0)
		return (int)at_once;
	own = sys_bench_control(BENCH_LOOK, wanted);
	if (own < 0)
		return (int)own;
	other = ask_reader(wanted);
	if (other < 0)
		return (int)other;
	*s = (struct sightings){
		.sibling = own,
		.unrelated = other,
		.sibling_at_once = at_once & ((1 << SECRETS) - 1),
		.unrelated_at_once = at_once >> SECRETS,
	};
	return 0;
}

int secrets_expose(struct sightings *s, uint64_t wanted)
{
	static uint64_t place;
	struct user_thread sleeper;
	int64_t key = sys_bench_control(BENCH_PLANT, (uintptr_t)&place);
	int error;

	if (key < 0)
		return (int)key;
	error = thread_start(&sleeper, sleep_with_secret, (void *)key);
	if (error)
		return error;
	return look(s, (unsigned long)sleeper.tid, wanted);
}
