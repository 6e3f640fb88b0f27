/* SPDX-License-Identifier: MIT */
/* irqsoff_simple.c - worst cases of calls that need no crowd: those on memory, registers and the
 * console. */
#include "bench.h"
#include "irqsoff.h"
#include "smp.h"
#include "string.h"
#include "thread.h"

#define ROUNDS 20	/* of a short call: the watch's period comes by at many of its places */
#define CONSOLE_MAX 4096
#define PAGE 4096ul
#define LARGE_TABLE (1ul << 21)	/* what one page table maps */
#define HALF_TIB (1ul << 39)	/* what one entry of the root maps */
#define REGIONS 4096
#define DENSE (48ul << 20)
#define SPARSE_PAGES 512

/* @ROUNDS times, watched. */
#define WATCH(call)					\
	do {						\
		watch_begin();				\
		for (int i_ = 0; i_ < ROUNDS; i_++)	\
			call;				\
		watch_end();				\
	} while (0)

void worst_null(void)
{
	WATCH(sys_null());
}

void worst_clock(void)
{
	WATCH(sys_clock());
}

void worst_cpu(void)
{
	WATCH(sys_cpu());
}

void worst_set_fs_base(void)
{
	WATCH(sys_set_fs_base(0x123456789000));
}

void worst_spawn_rights(void)
{
	WATCH(sys_spawn_rights(0));
}

void worst_design(void)
{
	WATCH(sys_design());
}

/* Only the first process may. */
void worst_shutdown(void)
{
	WATCH(sys_shutdown(EXIT_PASS));
}

/* Not there in an ordinary boot, and no part of what is measured: an error is what a program gets
 * from it. */
void worst_bench_report(void)
{
	WATCH(sys_bench_report(0, 64, 0, 512));
}

void worst_bench_control(void)
{
	WATCH(sys_bench_control(~0ul, 0));
}

/* Regions that touch: two rights in turn, or the kernel might make one of them. */
static unsigned long map_many(unsigned n)
{
	unsigned long first = 0;

	for (unsigned i = 0; i < n; i++) {
		long at = sys_map(PAGE, i % 2 ? PROT_WRITE : 0);

		if (at < 0)
			break;
		first = first ? first : (unsigned long)at;
	}
	return first;
}

struct far_places far_places(void)
{
	map_many(REGIONS);

	unsigned long start = (unsigned long)sys_map(5 * HALF_TIB, PROT_WRITE);
	unsigned long a = (start + HALF_TIB) & ~(HALF_TIB - 1);

	return (struct far_places){ a - 8, a + 2 * HALF_TIB - 8 };
}

/* Each of the four pages is brought in by a page fault within the copy. */
void worst_copy64(void)
{
	struct far_places p = far_places();

	watch_begin();
	sys_copy64(p.a, p.b);
	watch_end();
}

void worst_console_write(void)
{
	static char lines[CONSOLE_MAX];
	struct far_places p = far_places();

	memset(lines, '\n', sizeof(lines));
	watch_begin();
	sys_console_write((uintptr_t)lines, sizeof(lines));
	memset(lines, '.', sizeof(lines));
	sys_console_write((uintptr_t)lines, sizeof(lines));
	sys_console_write(p.a, 16);
	watch_end();
	lines[0] = '\n';
	sys_console_write((uintptr_t)lines, 1);		/* after zeroes */
}

/* Beside many regions; in the first gap, which is large enough, and where none is. */
void worst_map(void)
{
	unsigned long hole = map_many(REGIONS);

	WATCH(sys_map(PAGE, PROT_WRITE));
	sys_unmap(hole, PAGE);
	watch_begin();
	sys_map(2 * PAGE, PROT_WRITE);		/* too large for the hole: all regions are passed */
	sys_map(255 * HALF_TIB, PROT_WRITE);	/* fits nowhere */
	watch_end();
}

/* @pages pages, @step bytes from one to the next, each of them there. Its last bytes, which a
 * walk from the front comes to last. */
static void unmap_touched(unsigned long step, unsigned long pages)
{
	unsigned long len = step * pages + LARGE_TABLE;
	char *start = map_memory(len, PROT_WRITE);
	uintptr_t first = ((uintptr_t)start + LARGE_TABLE - 1) & ~(LARGE_TABLE - 1);

	if (!start)
		sys_exit(1);
	for (unsigned long i = 0; i < pages; i++)
		*(volatile char *)(first + i * step + step - PAGE) = 1;
	watch_begin();
	sys_unmap((uintptr_t)start, len);
	watch_end();
}

void worst_unmap(void)
{
	unsigned long huge = 200 * HALF_TIB, at;

	unmap_touched(PAGE, DENSE / PAGE);
	unmap_touched(LARGE_TABLE, SPARSE_PAGES);
	unmap_touched(1ul << 30, SPARSE_PAGES);
	at = (unsigned long)sys_map(huge, PROT_WRITE);
	watch_begin();
	sys_unmap(at, huge);
	watch_end();
	at = map_many(REGIONS);
	watch_begin();
	sys_unmap(at + (REGIONS - 1) * PAGE, PAGE);	/* whether or not one region lies there */
	sys_unmap((uintptr_t)map_memory(PAGE, 0), PAGE);
	watch_end();
}

/* --- a stopped thread ---------------------------------------------------------- */

static void idle_thread(void *unused)
{
	(void)unused;
	for (;;)
		smp_wait();		/* a yield alone leaves other CPUs no turn */
}

static void start_stopped(struct user_thread *t)
{
	if (thread_start(t, idle_thread, NULL) || sys_thread_stop((unsigned long)t->tid))
		sys_exit(1);
}

void worst_thread_get_registers(void)
{
	struct far_places p = far_places();
	struct user_thread t;

	start_stopped(&t);
	watch_begin();
	sys_thread_get_registers((unsigned long)t.tid, p.a);
	watch_end();
}

void worst_thread_set_registers(void)
{
	static struct thread_registers r;
	struct far_places p = far_places();
	struct user_thread t;

	start_stopped(&t);
	thread_get(&t, &r);
	watch_begin();
	thread_set(&t, &r);
	sys_thread_set_registers((unsigned long)t.tid, p.a);
	watch_end();
}

void worst_thread_resume(void)
{
	struct user_thread t;

	start_stopped(&t);
	watch_begin();
	sys_thread_resume((unsigned long)t.tid);
	sys_yield();
	watch_end();
}
