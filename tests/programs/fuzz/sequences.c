/* SPDX-License-Identifier: MIT */
/* sequences.c - right orders of calls, which siblings cut short: they know the same threads, ranges
 * and children. */
#include "fuzz.h"
#include "mm/layout.h"
#include "test.h"
#include "user.h"

/* RIPs and RSPs at the edges of what a thread may have. */
static uint64_t odd_rip(uint64_t *seed)
{
	static const uint64_t odd[] = { 0,	   USER_END - 1, USER_END,
					1ul << 47, ~0ul << 47,	 KERNEL_IMAGE_BASE };

	return odd[test_random(seed) % (sizeof(odd) / sizeof(odd[0]))];
}

/* Stop a thread, look at it, send it elsewhere, and let it go. What it needs to go on stays, most
 * often. */
static void stop_and_send(uint64_t *seed)
{
	struct thread_registers r;
	uint64_t tid = draw_tid(seed);

	if (tid == known.keeper || call(SYS_thread_stop, tid, 0, 0, 0))
		return;
	if (!call(SYS_thread_get_registers, tid, (uintptr_t)&r, 0, 0)) {
		r.fs_base = chance(seed, 4) ? test_random(seed) : r.fs_base;
		if (chance(seed, 200))
			r.rip = odd_rip(seed);
		if (chance(seed, 200))
			r.cs = r.ss = test_random(seed) % 0x50;
		if (r.rcx == r.rip && chance(seed, 8)) {	/* it is in a call: what that
								 * leaves */
			r.rax = test_random(seed);
			/* but for DF, and a step, which kills */
			r.rflags ^= test_random(seed) & ~0x500ul;
		}
		call(SYS_thread_set_registers, tid, (uintptr_t)&r, 0, 0);
	}
	call(SYS_thread_resume, tid, 0, 0, 0);
}

/* A range, touched by the program or by the kernel for it, and gone again. */
static void map_touch_unmap(uint64_t *seed)
{
	uint64_t pages = 1 + test_random(seed) % 40, range = test_random(seed) % RANGES;
	long at = call(SYS_map, pages * PAGE_SIZE, PROT_WRITE, 0, 0);

	if (at < 0)
		return;
	if (!known.len[range]) {		/* siblings may find it */
		known.at[range] = (uint64_t)at;
		known.len[range] = pages * PAGE_SIZE;
	}
	for (uint64_t i = 0; i < pages; i += 1 + test_random(seed) % 8)
		call(SYS_copy64, known.at[test_random(seed) % RANGES], (uint64_t)at + i * PAGE_SIZE,
		     0, 0);
	if (chance(seed, 2))
		call(SYS_unmap, (uint64_t)at, pages * PAGE_SIZE, 0, 0);
}

static void create_and_join(uint64_t *seed)
{
	long tid = add_caller(seed);

	if (tid <= 0)
		return;
	if (chance(seed, 2))
		call(SYS_set_affinity, (uint64_t)tid, 1 + test_random(seed) % 15, 0, 0);
	if (chance(seed, 3))
		call(SYS_thread_join, (uint64_t)tid, 0, 0, 0);
}

/* Two children whose ends cross the waits for them. */
static void spawn_and_wait(uint64_t *seed)
{
	static const char name[] = "fuzz", arg[] = "child=leaf";
	long pid[2];

	for (unsigned i = 0; i < 2; i++) {
		pid[i] = call(SYS_spawn, (uintptr_t)name, sizeof(name) - 1, (uintptr_t)arg,
			      sizeof(arg) - 1);
		if (pid[i] > 0)
			remember(known.pid, (uint64_t)pid[i], seed);
	}
	for (unsigned i = 0; i < 2 && chance(seed, 2); i++)
		if (pid[i] > 0)
			call(SYS_wait, (uint64_t)pid[i], 0, 0, 0);
}

void call_sequence(uint64_t *seed)
{
	switch (test_random(seed) % 8) {
	case 0:
		if (chance(seed, 4))
			spawn_and_wait(seed);
		break;
	case 1:
	case 2:
		create_and_join(seed);
		break;
	case 3:
	case 4:
		map_touch_unmap(seed);
		break;
	default:
		stop_and_send(seed);
		break;
	}
}
