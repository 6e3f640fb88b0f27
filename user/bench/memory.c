/* SPDX-License-Identifier: MIT */
/*
 * memory.c - what a process and a thread cost in memory, by counting frames around their creation.
 *
 * Half of them are created first and not counted: they use up what the kernel
 * keeps in its pools, so that the counted half is paid in full.
 */
#include "bench.h"
#include "print.h"
#include "secrets.h"
#include "thread.h"
#include "tests/probe/abi.h"

#define PROCESSES 8
#define THREADS 16
#define PAGE 4096

struct count {
	uint64_t frames, pt_pages;
};

static struct count count_frames(void)
{
	return (struct count){ control(BENCH_FRAMES_USED, 0), control(BENCH_PT_PAGES, 0) };
}

static void report_difference(const char *bytes, const char *tables, struct count from, unsigned n)
{
	struct count to = count_frames();

	report_value(bytes, (to.frames - from.frames) * PAGE / n);
	report_value(tables, (to.pt_pages - from.pt_pages) / n);
}

/* Until each of them has run and gone to sleep: one turn is enough, for nobody preempts. */
static void let_them_sleep(void)
{
	sys_yield();
	sys_yield();
}

static void start_processes(long *pid, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		pid[i] = spawn("sleeper", "");
		if (pid[i] < 0)
			sys_exit(1);
	}
	let_them_sleep();
}

static void measure_processes(void)
{
	long pid[2 * PROCESSES];

	start_processes(pid, PROCESSES);

	struct count before = count_frames();

	start_processes(pid + PROCESSES, PROCESSES);
	report_difference("memory.per_process_bytes", "memory.per_process_pt_pages", before,
			  PROCESSES);

	/* They sleep until a time: that needs a clock that ticks. */
	control(BENCH_TIMER_HZ, TIMER_HZ_NORMAL);
	for (size_t i = 0; i < 2 * PROCESSES; i++)
		sys_wait((unsigned long)pid[i]);
	control(BENCH_TIMER_HZ, 0);
}

/* Touches no memory: its cost is the kernel's alone. */
static void sleep_then_exit(void)
{
	raw_syscall(SYS_sleep, 0, 0, 0, 0);
	raw_syscall(SYS_thread_exit, 0, 0, 0, 0);
}

static void start_threads(long *tid, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* They push nothing, and so can share this very stack. */
		tid[i] = sys_thread_create((uintptr_t)sleep_then_exit, (uintptr_t)&tid[i], 0);
		if (tid[i] < 0)
			sys_exit(1);
	}
	let_them_sleep();
}

static void end_threads(const long *tid, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sys_wake((unsigned long)tid[i]);
		sys_thread_join((unsigned long)tid[i]);
	}
}

static void measure_threads(void)
{
	long tid[2 * THREADS];

	start_threads(tid, THREADS);

	struct count before = count_frames();

	start_threads(tid + THREADS, THREADS);
	report_difference("memory.per_thread_bytes", "memory.per_thread_pt_pages", before, THREADS);
	end_threads(tid, 2 * THREADS);
}

void measure_memory(void)
{
	measure_processes();
	measure_threads();
	control(BENCH_MEMORY, 0);
}

static void report_set(const char *reader, uint64_t set)
{
	char name[64];

	for (unsigned i = 0; i < SECRET_NOWHERE; i++) {
		snprintf(name, sizeof(name), "exposure.secret_%s_%s", secret_names[i], reader);
		report_value(name, set >> i & 1);
	}
}

/* 1: that reader finds that secret through its user root when it ignores U/S. */
static void report_secrets(void)
{
	struct sightings s;

	if (secrets_expose(&s, (1 << SECRET_NOWHERE) - 1, (unsigned)sys_design()))
		sys_exit(1);
	report_set("unrelated", s.unrelated);
	report_set("sibling", s.sibling);
	report_set("unrelated_at_once", s.unrelated_at_once);
	report_set("sibling_at_once", s.sibling_at_once);
}

/* Seen from a process with a second thread asleep in a system call, whose residue counts as
 * another's. */
void measure_exposure(void)
{
	long tid;

	start_threads(&tid, 1);
	control(BENCH_EXPOSURE, 0);
	end_threads(&tid, 1);
	report_secrets();
}
