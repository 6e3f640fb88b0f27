/* SPDX-License-Identifier: MIT */
/* secrets.c - a process with a secret in its memory and one in the registers of a sleeping
 * thread. */
#include "secrets.h"
#include "print.h"
#include "smp.h"
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

static unsigned sleeper_cpu;
static volatile bool settled;

/* Settled, it runs nowhere else any more, and sleeps as soon as it is let. */
static void hold(void *key)
{
	smp_pin(sleeper_cpu);
	settled = true;
	sys_yield();
	sleep_with_secret(key);
}

/* Plant, and have a thread on the @n-th CPU that will go to sleep with its secret; the caller is on
 * the first one. 0, or a negative error. */
static int start_sleeper(struct user_thread *sleeper, unsigned n)
{
	static uint64_t place;
	int64_t key;
	int error;

	smp_pin(smp_cpu(0));
	sleeper_cpu = smp_cpu(n);
	settled = false;
	key = sys_bench_control(BENCH_PLANT, (uintptr_t)&place);
	if (key < 0)
		return (int)key;
	error = thread_start(sleeper, hold, (void *)key);
	while (!error && !settled)
		smp_wait();
	return error;
}

/* What is seen at once. On another CPU it may take a while until the thread sleeps. */
static int look_at_once(struct sightings *s, const struct user_thread *sleeper)
{
	int64_t found;

	while ((found = sys_bench_control(BENCH_LOOK_ASLEEP, (unsigned long)sleeper->tid)) ==
	       -EAGAIN)
		smp_relax();
	if (found < 0)
		return (int)found;
	s->sibling_at_once = found & ((1 << SECRETS) - 1);
	s->unrelated_at_once = found >> SECRETS;
	return 0;
}

/* What another process finds: the exit code of the program `reader`. */
static int64_t ask_reader(uint64_t wanted, unsigned design)
{
	char arg[8];
	long status;

	snprintf(arg, sizeof(arg), "%lu", wanted);
	status = spawn_with("reader", arg, design);
	if (status > 0)
		status = sys_wait((unsigned long)status);
	return status >= 1 << SECRETS ? -EINVAL : status;
}

int secrets_expose(struct sightings *s, uint64_t wanted, unsigned reader)
{
	struct user_thread sleeper;
	int64_t own, other;
	int error = start_sleeper(&sleeper, 0);

	if (!error)
		error = look_at_once(s, &sleeper);
	if (error)
		return error;
	own = sys_bench_control(BENCH_LOOK, wanted);
	if (own < 0)
		return (int)own;
	other = ask_reader(wanted, reader);
	if (other < 0)
		return (int)other;
	s->sibling = (uint64_t)own;
	s->unrelated = (uint64_t)other;
	return 0;
}

int secrets_expose_elsewhere(struct sightings *s)
{
	struct user_thread sleeper;
	int error = start_sleeper(&sleeper, 1);

	if (!error)
		error = look_at_once(s, &sleeper);
	return error ? error : look_at_once(s, &sleeper);
}
