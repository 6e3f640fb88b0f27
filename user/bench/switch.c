/* SPDX-License-Identifier: MIT */
/*
 * switch.c - context switches, sleeping and waking, threads that come and go.
 *
 * The timer is stopped, so two ready threads alternate strictly: each yield()
 * of one is followed by one of the other.
 */
#include "bench.h"
#include "string.h"
#include "thread.h"
#include "tests/probe/abi.h"

#define SWITCHES 500		/* of the measuring side; the peer does as many */
#define ROUNDS 300

static uint64_t yields(uint64_t n)
{
	unsigned long result;

	return LOOP_TICKS(n, "syscall"
			  : "=a"(result)
			  : "0"((unsigned long)SYS_yield)
			  : "rcx", "r11", "memory");
}

static uint64_t no_yields(uint64_t n)
{
	unsigned long result;

	return LOOP_TICKS(n, ""
			  : "=a"(result)
			  : "0"((unsigned long)SYS_yield)
			  : "rcx", "r11", "memory");
}

/* The other side: as many yields as the measuring side does, and one more to outlast it. */
static void peer_measure(void *unused)
{
	(void)unused;
	yields(TRACE_WARMUP + SWITCHES + 1);
}

/* In a trace the operation begins on one side and ends here, when this side's third yield()
 * returns. */
static void peer_trace(void *unused)
{
	(void)unused;
	yields(TRACE_WARMUP);
	trace_end();
	yields(2);
}

void peer_main(const char *arg)
{
	if (!strcmp(arg, "peer=trace"))
		peer_trace(NULL);
	else
		peer_measure(NULL);
}

/* One operation is one switch: a pass of this loop is one on either side. */
static void measure_yields(const char *name)
{
	yields(TRACE_WARMUP);

	uint64_t with = yields(SWITCHES);

	report_per_operation(name, with, 2 * no_yields(SWITCHES), 2 * SWITCHES);
}

static void trace_yield(const char *name)
{
	yields(TRACE_WARMUP);
	trace_begin(name);
	raw_syscall(SYS_yield, 0, 0, 0, 0);
}

static void with_thread(void (*peer)(void *), void (*body)(const char *), const char *name)
{
	struct user_thread t;

	if (thread_start(&t, peer, NULL))
		sys_exit(1);
	body(name);
	thread_finish(&t);
}

/* @pid: the peer, just spawned. */
static void with_process(long pid, void (*body)(const char *), const char *name)
{
	if (pid < 0)
		sys_exit(1);
	body(name);
	sys_wait((unsigned long)pid);
}

void measure_switch_thread(void)
{
	with_thread(peer_measure, measure_yields, "context_switch_thread.instructions");
}

void trace_switch_thread(void)
{
	with_thread(peer_trace, trace_yield, "context_switch_thread");
}

void measure_switch_process(void)
{
	with_process(spawn("bench", "peer=measure"), measure_yields,
		     "context_switch_process.instructions");
}

void trace_switch_process(void)
{
	with_process(spawn("bench", "peer=trace"), trace_yield, "context_switch_process");
}

/* Not in a boot that runs one design only. No trace: it would hold one direction, and they
 * differ. */
void measure_switch_design(void)
{
	long other = sys_bench_control(BENCH_NEXT_DESIGN, 0);

	if (other >= 0)
		with_process(spawn_with("bench", "peer=measure", (unsigned)other), measure_yields,
			     "context_switch_design.instructions");
}

/* --- syscall_sleep: another thread sleeps, this one wakes it and makes way ------------------- */

static void sleeper(void *rounds)
{
	for (uintptr_t i = 0; i < (uintptr_t)rounds; i++)
		sys_sleep(0);
}

/* One operation: wake(), the switch to the sleeper, its next sleep(), the switch back out of
 * yield(). */
static __attribute__((noinline)) void wake_and_yield(unsigned long tid)
{
	raw_syscall(SYS_wake, tid, 0, 0, 0);
	raw_syscall(SYS_yield, 0, 0, 0, 0);
}

static __attribute__((noinline)) void do_nothing(unsigned long tid)
{
	__asm__ volatile("" : : "r"(tid) : "memory");
}

static __attribute__((noinline)) uint64_t repeat(void (*operation)(unsigned long),
						 unsigned long arg, uint64_t n)
{
	uint64_t start = rdtsc();

	for (uint64_t i = 0; i < n; i++)
		operation(arg);
	return rdtsc() - start;
}

void measure_sleep(void)
{
	struct user_thread t;

	if (thread_start(&t, sleeper, (void *)(uintptr_t)(TRACE_WARMUP + ROUNDS)))
		sys_exit(1);
	sys_yield();		/* it goes to sleep */
	repeat(wake_and_yield, (unsigned long)t.tid, TRACE_WARMUP);

	uint64_t with = repeat(wake_and_yield, (unsigned long)t.tid, ROUNDS - 1);

	report_per_operation("syscall_sleep.instructions", with, repeat(do_nothing, 0, ROUNDS - 1),
			     ROUNDS - 1);
	wake_and_yield((unsigned long)t.tid);
	thread_finish(&t);
}

void trace_sleep(void)
{
	struct user_thread t;

	if (thread_start(&t, sleeper, (void *)(uintptr_t)(TRACE_WARMUP + 2)))
		sys_exit(1);
	sys_yield();
	repeat(wake_and_yield, (unsigned long)t.tid, TRACE_WARMUP);
	trace_begin("syscall_sleep");
	wake_and_yield((unsigned long)t.tid);
	trace_end();
	wake_and_yield((unsigned long)t.tid);
	thread_finish(&t);
}

/* --- thread_create_exit ---------------------------------------------------------------------- */

static void exit_at_once(void)
{
	raw_syscall(SYS_thread_exit, 0, 0, 0, 0);
}

/* All of them one after the other on one stack: mapping it is not what is measured. */
__attribute__((noinline)) void create_and_join(unsigned long stack)
{
	long tid = sys_thread_create((uintptr_t)exit_at_once, stack, 0);

	sys_thread_join((unsigned long)tid);
}

unsigned long one_stack(void)
{
	char *stack = map_memory(THREAD_STACK_SIZE, PROT_WRITE);

	if (!stack)
		sys_exit(1);
	stack[THREAD_STACK_SIZE - 1] = 0;	/* brought in now, not by the thread */
	return (uintptr_t)stack + THREAD_STACK_SIZE - 8;
}

/* From here on the kernel's heap has free objects side by side, whatever ran before: none of its
 * blocks becomes full with one thread, and not full without it. */
static void several_at_once(unsigned long stack)
{
	long tid[16];

	for (unsigned i = 0; i < 16; i++)
		tid[i] = sys_thread_create((uintptr_t)exit_at_once, stack, 0);
	for (unsigned i = 0; i < 16; i++)
		sys_thread_join((unsigned long)tid[i]);
}

void measure_thread_create(void)
{
	unsigned long stack = one_stack();

	several_at_once(stack);
	repeat(create_and_join, stack, TRACE_WARMUP);
	report_per_operation("thread_create_exit.instructions",
			     repeat(create_and_join, stack, ROUNDS),
			     repeat(do_nothing, stack, ROUNDS), ROUNDS);
}

void trace_thread_create(void)
{
	unsigned long stack = one_stack();

	several_at_once(stack);
	repeat(create_and_join, stack, TRACE_WARMUP);
	trace_begin("thread_create_exit");
	create_and_join(stack);
	trace_end();
}
