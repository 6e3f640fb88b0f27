/* SPDX-License-Identifier: MIT */
/* calls.c - one system call at random: any number there is, arguments that are right, nearly right,
 * or not at all. */
#include "designs.h"
#include "fuzz.h"
#include "mm/layout.h"
#include "string.h"
#include "test.h"
#include "user.h"
#include "tests/probe/abi.h"

#define POINTS_MOST 50			/* of one BENCH_POINTS */
#define HZ_LEAST 100	/* of a timer: threads that never enter the kernel make way by it */
#define HZ_SPREAD 2000

struct known known;

bool chance(uint64_t *seed, uint64_t n)
{
	return test_random(seed) % n == 0;
}

long call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	__atomic_fetch_add(&known.calls, 1, __ATOMIC_RELAXED);
	return raw_syscall(number, a, b, c, d);
}

void remember(uint64_t *table, uint64_t value, uint64_t *seed)
{
	table[test_random(seed) % KNOWN] = value;
}

/* --- values ------------------------------------------------------------------------ */

uint64_t draw_tid(uint64_t *seed)
{
	uint64_t tid = known.tid[test_random(seed) % KNOWN];

	switch (test_random(seed) % 16) {
	case 0: return 0;
	case 1: return tid + (1ul << 14);	/* another generation of its slot */
	case 2: return tid + 1;
	case 3: return tid | 1ul << 32;
	case 4: return test_random(seed);
	case 5: return test_random(seed) % 64;
	}
	return tid;
}

static uint64_t draw_pid(uint64_t *seed)
{
	uint64_t pid = known.pid[test_random(seed) % KNOWN];

	switch (test_random(seed) % 8) {
	case 0: return test_random(seed) % 64;
	case 1: return pid + 1;
	case 2: return pid | 1ul << 32;
	}
	return pid;
}

/* Not a thread that must go on. */
static uint64_t draw_victim(uint64_t *seed)
{
	uint64_t tid = draw_tid(seed);

	return tid == known.keeper ? 0 : tid;
}

uint64_t draw_length(uint64_t *seed)
{
	static const uint64_t lengths[] = {
		0,
		1,
		8,
		63,
		64,
		65,
		255,
		256,
		1023,
		1024,
		1025,
		4095,
		4096,
		4097,
		8192,
		65536,
		1ul << 20,
		1ul << 21,
		(1ul << 21) + 1,
		1ul << 30,
		1ul << 39,
		USER_END - 4096,
		USER_END,
		USER_END + 1,
		1ul << 63,
		~0ul,
	};

	return lengths[test_random(seed) % (sizeof(lengths) / sizeof(lengths[0]))];
}

uint64_t draw_address(uint64_t *seed)
{
	static const uint64_t odd[] = {
		0, 1, USER_MIN - 1, USER_MAP_BASE, USER_STACK_TOP, USER_END - 64, USER_END - 1,
		USER_END, 1ul << 47,
		0xffff7fffffffffff, DIRECT_MAP_BASE, KSTACK_AREA_BASE, CPU_ENTRY_AREA_BASE,
		KERNEL_IMAGE_BASE,
		~0ul - 63, ~0ul,
	};
	uint64_t range = test_random(seed) % RANGES, at = known.at[range], len = known.len[range];

	switch (test_random(seed) % 8) {
	case 0: return odd[test_random(seed) % (sizeof(odd) / sizeof(odd[0]))];
	case 1: return at + len - test_random(seed) % 130;	/* over its end */
	case 2: return at - 1 - test_random(seed) % 64;
	case 3: return at + (len ? test_random(seed) % len : 0);
	case 4: return at + PAGE_SIZE - test_random(seed) % 64;
	}
	return at;
}

/* --- calls --------------------------------------------------------------------------------- */

static void map_range(uint64_t *seed)
{
	uint64_t range = test_random(seed) % RANGES;
	uint64_t len =
		chance(seed, 4) ? draw_length(seed) : (1 + test_random(seed) % 20) * PAGE_SIZE;
	uint64_t prot = chance(seed, 8) ? test_random(seed) % 8 : PROT_WRITE;
	long at;

	if (known.len[range])
		call(SYS_unmap, known.at[range], known.len[range], 0, 0);
	at = call(SYS_map, len, prot, 0, 0);
	if (at < 0)
		return;
	known.at[range] = (uint64_t)at;
	known.len[range] = len;
}

/* One that others are at, a part of one, or none. */
static void unmap_range(uint64_t *seed)
{
	uint64_t range = test_random(seed) % RANGES, at = known.at[range], len = known.len[range];

	if (chance(seed, 4))
		at = draw_address(seed);
	if (chance(seed, 4))
		len = draw_length(seed);
	if (!call(SYS_unmap, at, len, 0, 0) && at == known.at[range])
		known.len[range] = 0;
}

static void start_program(uint64_t *seed)
{
	static const char arg[] = "child=leaf";
	const char *name = chance(seed, 8) ? "nobody" : "fuzz";
	uint64_t at = (uintptr_t)name, len = strlen(name), arg_len = strlen(arg);
	struct spawn_request r;
	long pid;

	if (!chance(seed, 3))		/* they are dear */
		return;
	if (chance(seed, 6))
		at = draw_address(seed);
	if (chance(seed, 8))
		len = draw_length(seed);
	if (chance(seed, 8))
		arg_len = draw_length(seed);
	r = (struct spawn_request){
		at, len, chance(seed, 8) ? draw_address(seed) : (uintptr_t)arg, arg_len,
		test_random(seed) % (DESIGN_COUNT + 1),
	};
	if (sys_design() == DESIGN_direct || chance(seed, 2))
		pid = call(SYS_spawn, r.name, r.name_len, r.arg, r.arg_len);
	else
		pid = call(SYS_spawn_with, chance(seed, 16) ? draw_address(seed) : (uintptr_t)&r,
			   0, 0, 0);
	if (pid > 0)
		remember(known.pid, (uint64_t)pid, seed);
}

/* What it prints is nothing or a line's end: others read the console. */
static void write_console(uint64_t *seed)
{
	uint64_t len = draw_length(seed);

	if (chance(seed, 200))
		call(SYS_console_write, (uintptr_t)"\n", 1, 0, 0);
	else if (chance(seed, 2))
		call(SYS_console_write, draw_address(seed) | 1ul << 63, len, 0, 0);
	else
		call(SYS_console_write, draw_address(seed), len > 4096 ? len : 0, 0, 0);
}

static void report_values(uint64_t *seed)
{
	uint64_t n = draw_length(seed);

	call(SYS_bench_report, draw_address(seed), draw_length(seed),
	     draw_address(seed) | 1ul << 63, n);
}

/* None that stops a timer, keeps interrupts off, prints pages of text, or is for one program at a
 * time. */
static void control(uint64_t *seed)
{
	static const uint8_t harmless[] = {
		BENCH_FRAMES_USED, BENCH_PT_PAGES, BENCH_SPLIT, BENCH_IPIS, BENCH_CPUS,
		BENCH_HEAP_OBJECTS, BENCH_TIDS, BENCH_NEXT_DESIGN,
		BENCH_SCHED_CHECK, 25, 29, 30, 31, BENCH_FIRE + FIRE_OPS, 255,
	};

	switch (test_random(seed) % 8) {
	case 0:
		call(SYS_bench_control, BENCH_MIGRATE, test_random(seed) % 2, 0, 0);
		return;
	case 1:
		call(SYS_bench_control, BENCH_POINTS, test_random(seed) % POINTS_MOST, 0, 0);
		return;
	case 2:
		call(SYS_bench_control, BENCH_FAIL_ALLOC,
		     test_random(seed) % 12 | (chance(seed, 40) ? FAIL_ALL : 0), 0, 0);
		return;
	case 3:
		if (chance(seed, 16))
			call(SYS_bench_control, BENCH_SHRINK, 0, 0, 0);
		return;
	case 4:
		call(SYS_bench_control, BENCH_TIMER_HZ, HZ_LEAST + test_random(seed) % HZ_SPREAD, 0,
		     0);
		return;
	}
	if (chance(seed, 8))			/* they walk over much */
		call(SYS_bench_control, harmless[test_random(seed) % sizeof(harmless)],
		     test_random(seed), 0, 0);
}

static void make_thread(uint64_t *seed)
{
	if (chance(seed, 8))
		call(SYS_thread_create, draw_address(seed) | 1ul << 47, draw_address(seed), 0, 0);
	else
		add_caller(seed);
}

static void copy_registers(uint64_t *seed)
{
	uint64_t number = chance(seed, 2) ? SYS_thread_get_registers : SYS_thread_set_registers;

	/* What lies in a range is no register of anybody: refused, or the thread's end. */
	if (number == SYS_thread_get_registers || chance(seed, 50))
		call(number, draw_victim(seed), draw_address(seed), 0, 0);
	else
		call(number, draw_victim(seed), draw_address(seed) | 1ul << 63, 0, 0);
}

static void schedule(uint64_t *seed)
{
	if (chance(seed, 2))
		call(SYS_set_priority, draw_tid(seed),
		     test_random(seed) % (chance(seed, 8) ? 8 : 3), 0, 0);
	else
		call(SYS_set_affinity, draw_tid(seed),
		     chance(seed, 3) ? ~0ul : 1 + test_random(seed) % 255, 0, 0);
}

static void sleep_or_wake(uint64_t *seed)
{
	static const uint64_t times[] = { 0, 1, 1000, 100000, 1ul << 40, 1ul << 63, ~0ul };

	if (chance(seed, 4))
		call(SYS_sleep, times[test_random(seed) % (chance(seed, 8) ? 7 : 4)], 0, 0, 0);
	else
		call(SYS_wake, draw_tid(seed), 0, 0, 0);
}

/* Threads and whole processes come to their ends. */
static void end_something(uint64_t *seed)
{
	uint64_t made = __atomic_load_n(&known.calls, __ATOMIC_RELAXED) / CALLS_UNIT;

	if (chance(seed, 40))
		call(SYS_exit, made < 255 ? made : 255, 0, 0, 0);
	if (chance(seed, 200))
		*(volatile char *)draw_address(seed) = 1;
}

static void stop_or_resume(uint64_t *seed)
{
	call(chance(seed, 3) ? SYS_thread_stop : SYS_thread_resume, draw_victim(seed), 0, 0, 0);
}

static void wait_for_something(uint64_t *seed)
{
	if (chance(seed, 2))
		call(SYS_thread_join, draw_tid(seed), 0, 0, 0);
	else
		call(SYS_wait, draw_pid(seed), 0, 0, 0);
}

/* Calls without arguments, those for others, and numbers that are none. */
static void call_simple(uint64_t *seed)
{
	switch (test_random(seed) % 8) {
	case 0: call(SYS_clock, 0, 0, 0, 0); break;
	case 1: call(SYS_cpu, 0, 0, 0, 0); break;
	case 2: call(SYS_set_fs_base, draw_address(seed), 0, 0, 0); break;
	case 3: call(SYS_shutdown, EXIT_FAIL, 0, 0, 0); break;
	case 4: call(SYS_spawn_rights, test_random(seed) % 4, 0, 0, 0); break;
	case 5:
		call(test_random(seed), test_random(seed), test_random(seed), test_random(seed), 0);
		break;
	case 6:
		call(SYSCALL_COUNT + test_random(seed) % 40, draw_tid(seed), draw_address(seed),
		     draw_length(seed), 0);
		break;
	default: call(SYS_null, 0, 0, 0, 0); break;
	}
}

static void copy(uint64_t *seed)
{
	call(SYS_copy64, draw_address(seed), draw_address(seed), 0, 0);
}

static void yield(uint64_t *seed)
{
	(void)seed;
	call(SYS_yield, 0, 0, 0, 0);
}

void call_something(uint64_t *seed)
{
	static const struct {
		void (*call)(uint64_t *seed);
		unsigned weight;
	} kinds[] = {
		{ copy, 30 },	       { call_simple, 20 },	  { yield, 20 },
		{ map_range, 20 },     { unmap_range, 10 },	  { schedule, 15 },
		{ sleep_or_wake, 20 }, { stop_or_resume, 20 },	  { copy_registers, 10 },
		{ make_thread, 8 },    { wait_for_something, 6 }, { call_sequence, 6 },
		{ control, 3 },	       { write_console, 2 },	  { report_values, 1 },
		{ start_program, 1 },  { end_something, 1 },
	};
	uint64_t pick = 0;
	unsigned i = 0;

	for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		pick += kinds[k].weight;
	pick = test_random(seed) % pick;
	while (pick >= kinds[i].weight)
		pick -= kinds[i++].weight;
	kinds[i].call(seed);
}
