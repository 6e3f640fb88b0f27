/* SPDX-License-Identifier: MIT */
/*
 * test_smp_trampoline.c - what a thread left on its entry stack does not pass to another process
 * with the stack.
 *
 * In a victim process threads on all CPUs enter the kernel with a secret in their registers; it
 * ends with them, in several ways. Their stacks go to the pool and from there to this process's new
 * threads, on the same and on other CPUs, while the owner of the secret still exists or does no
 * more: nobody finds the secret through this process's user root (test_meltdown is the same on one
 * CPU). Where user and kernel share one table everybody finds everything, and nothing is tested.
 */
#include "arch/x86_64/trapframe.h"
#include "print.h"
#include "secrets.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "tests/probe/abi.h"

#define PROGRAM "test_smp_trampoline"
#define HOLDERS 12		/* threads with the secret */
#define SUCCESSORS (HOLDERS + 4)
#define ROUNDS 4
#define EVERYTHING ((1ul << SECRETS) - 1)

/* How the holders, and with the last one their process, end. */
enum end { END_ASLEEP, END_WOKEN, END_FAULT, ENDS };

static const long end_status[ENDS] = { 42, 42, WAIT_KILLED | VECTOR_GP };

static uint64_t secret_place;
static unsigned holders_up;

static void hold(void *key)
{
	unsigned n = __atomic_fetch_add(&holders_up, 1, __ATOMIC_SEQ_CST);

	smp_pin(smp_cpu(n));
	sleep_with_secret(key);
}

/* Asleep is when the kernel finds it so; it looks a thousand times before it gives up. */
static bool wait_until_asleep(long tid)
{
	long found;

	while ((found = sys_bench_control(BENCH_LOOK_ASLEEP, (unsigned long)tid)) == -EAGAIN)
		smp_relax();
	return found >= 0;
}

/* In a child. */
static int victim(enum end how)
{
	struct user_thread holder[HOLDERS];
	long key = sys_bench_control(BENCH_PLANT, (uintptr_t)&secret_place);

	CHECK(key >= 0);
	for (unsigned i = 0; i < HOLDERS; i++)
		CHECK_EQUAL(thread_start(&holder[i], hold, (void *)key), 0);
	for (unsigned i = 0; i < HOLDERS; i++)
		CHECK(wait_until_asleep(holder[i].tid));
	if (test_result() != TEST_PASS)
		return test_result();
	if (how == END_FAULT)
		__asm__ volatile("hlt");
	for (unsigned i = 0; i < HOLDERS && how == END_WOKEN; i++) {
		sys_wake((unsigned long)holder[i].tid);
		CHECK_EQUAL(thread_finish(&holder[i]), 0);
	}
	return test_result() == TEST_PASS ? 42 : TEST_FAIL;
}

static void sleep_until_woken(void *unused)
{
	(void)unused;
	sys_sleep(0);
}

static volatile bool release;
static volatile unsigned hogging;

/* Keeps a CPU busy. On its way there it enters the kernel: entry stacks that belong to a CPU
 * hold what entered last, whosever it was. */
static void hog(void *cpu)
{
	smp_pin((unsigned)(uintptr_t)cpu);
	sys_null();
	__atomic_fetch_add(&hogging, 1, __ATOMIC_SEQ_CST);
	while (!release)
		smp_relax();
}

/* From now on no thread runs but the caller, on the first CPU, and the hogs. They start one
 * after the other: without a tick, one that comes by another's CPU on the way to its own may
 * wait there for ever. */
static void hog_cpus(struct user_thread *hogs, unsigned cpus)
{
	release = false;
	hogging = 0;
	smp_pin(smp_cpu(0));
	for (unsigned i = 1; i < cpus; i++) {
		CHECK_EQUAL(thread_start(&hogs[i], hog, (void *)(uintptr_t)smp_cpu(i)), 0);
		while (hogging < i)
			smp_wait();
		sys_set_priority((unsigned long)hogs[i].tid, PRIORITY_URGENT);
	}
	sys_set_priority(0, PRIORITY_URGENT);
}

static void release_cpus(struct user_thread *hogs, unsigned cpus)
{
	release = true;
	sys_set_priority(0, PRIORITY_USUAL);
	for (unsigned i = 1; i < cpus; i++)
		CHECK_EQUAL(thread_finish(&hogs[i]), 0);
	smp_unpin();
}

/* Have more threads than the victim had, and look at what their stacks show before they run, and
 * after. */
static void succeed(unsigned cpus)
{
	static struct user_thread hogs[64], thread[SUCCESSORS];

	hog_cpus(hogs, cpus);
	for (unsigned i = 0; i < SUCCESSORS; i++)
		CHECK_EQUAL(thread_start(&thread[i], sleep_until_woken, NULL), 0);
	CHECK_EQUAL(sys_bench_control(BENCH_LOOK, EVERYTHING), 0);
	release_cpus(hogs, cpus);
	for (unsigned i = 0; i < SUCCESSORS; i++) {
		sys_wake((unsigned long)thread[i].tid);
		CHECK_EQUAL(thread_finish(&thread[i]), 0);
	}
	CHECK_EQUAL(sys_bench_control(BENCH_LOOK, EVERYTHING), 0);
}

int main(const char *arg, size_t len)
{
	unsigned cpus = smp_count();
	char what[24];

	(void)len;
	if (starts_with(arg, "child="))
		return victim((enum end)parse_number(arg + strlen("child=")));
	if (sys_bench_control(BENCH_SPLIT, 0) != 1) {
		printf("# SKIP user and kernel share one table: everybody reads everything\n");
		return TEST_SKIP;
	}
	/* No interrupt: its frame is another than a system call's, and would lie beside it for a
	 * while. */
	smp_set_timers(0);
	for (unsigned i = 0; i < ROUNDS * ENDS; i++) {
		enum end how = i % ENDS;

		snprintf(what, sizeof(what), "child=%u", how);
		CHECK_EQUAL(run(PROGRAM, what), end_status[how]);
		succeed(cpus);
	}
	smp_set_timers(TIMER_HZ_NORMAL);
	return test_result();
}
