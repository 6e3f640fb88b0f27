/* SPDX-License-Identifier: MIT */
/* calls.c - the table: how each system call is made when it is X, Y or Z, and what this one
 * touches. */
#include "designs.h"
#include "races.h"
#include "arch/x86_64/trapframe.h"
#include "smp.h"
#include "string.h"
#include "tests/probe/abi.h"

/* --- arguments ----------------------------------------------------------------- */

#define PREPARE(name) static void name(struct race *r, unsigned me, struct arguments *a)

static char words[64] __attribute__((aligned(64)));
static struct thread_registers registers[RACE_PARTS];

PREPARE(on_target)
{
	(void)me;
	a->a = r->target;
}

PREPARE(on_peer)
{
	a->a = r->tid[peer(me)];
}

PREPARE(target_priority)
{
	on_target(r, me, a);
	a->b = PRIORITY_BACKGROUND;
}

PREPARE(peer_priority)
{
	on_peer(r, me, a);
	a->b = PRIORITY_BACKGROUND;
}

PREPARE(target_affinity)
{
	on_target(r, me, a);
	a->b = 1ul << CPU_MAIN;
}

PREPARE(peer_affinity)			/* it stays: else nobody would know where to look for it */
{
	on_peer(r, me, a);
	a->b = 1ul << (peer(me) ? CPU_B : CPU_A) | 1ul << CPU_OTHERS;
}

PREPARE(get_registers)
{
	on_target(r, me, a);
	registers[me] = (struct thread_registers){ 0 };
	a->b = (uintptr_t)&registers[me];
}

/* Those that it has, or T would not find back. */
PREPARE(set_registers)
{
	get_registers(r, me, a);
	sys_thread_get_registers(a->a, a->b);
}

PREPARE(untouched_page)
{
	(void)me;
	a->a = (uintptr_t)r->region + PAGE;
}

PREPARE(copy_there)
{
	untouched_page(r, me, a);
	a->b = a->a;
	a->a = (uintptr_t)words;
}

PREPARE(region)
{
	(void)me;
	a->a = (uintptr_t)r->region;
	a->b = REGION_PAGES * PAGE;
}

PREPARE(new_region)
{
	(void)r, (void)me;
	a->a = REGION_PAGES * PAGE;
	a->b = PROT_WRITE;
}

PREPARE(new_thread)			/* whose first instruction is the call that ends it */
{
	(void)r, (void)me;
	a->a = (uintptr_t)sys_thread_exit;
}

PREPARE(new_process)
{
	(void)r, (void)me;
	a->a = (uintptr_t)"ender";
	a->b = 5;
	a->c = (uintptr_t)"";
}

/* Of another design than the boot's, if this boot can run one. */
PREPARE(other_process)
{
	static struct spawn_request request[RACE_PARTS];
	unsigned other = DESIGN_COUNT - 1, own = (unsigned)sys_design();

	(void)r;
	if (own == other)
		other--;
	request[me] = (struct spawn_request){
		(uintptr_t)"ender", strlen("ender"), (uintptr_t)"", 0,
		own == DESIGN_direct ? own : other,
	};
	a->a = (uintptr_t)&request[me];
}

PREPARE(on_child)
{
	(void)me;
	a->a = r->child;
}

PREPARE(on_next_child)
{
	(void)me;
	a->a = r->next_pid;
}

PREPARE(a_letter)
{
	(void)r, (void)me;
	a->a = (uintptr_t)"\r\r";
	a->b = 2;
}

PREPARE(a_figure)
{
	static uint64_t one = 1;

	(void)r, (void)me;
	a->a = (uintptr_t)"r";
	a->b = 1;
	a->c = (uintptr_t)&one;
	a->d = 1;
}

PREPARE(code)
{
	(void)r, (void)me;
	a->a = EXIT_CODE;
}

PREPARE(a_tick)
{
	(void)r, (void)me;
	a->a = BENCH_RACE + RACE_INTERRUPT;
	a->b = VECTOR_TIMER;
}

PREPARE(an_expiry)
{
	a_tick(r, me, a);
	a->b = VECTOR_LATER;
}

PREPARE(nowhere)
{
	(void)r, (void)me;
	a->a = 8;
}

PREPARE(no_rights)
{
	(void)r, (void)me;
	a->a = 0;
}

/* --- what came of it -------------------------------------------------------------- */

static long keep(struct race *r, unsigned me, long result)
{
	r->made[me] = result > 0 ? result : 0;
	return result;
}

/* A fresh region is zero, and nobody else's; the mark is looked at in the end. */
static long mark(struct race *r, unsigned me, long result)
{
	volatile uint64_t *at = (volatile uint64_t *)keep(r, me, result);

	if (result <= 0 || race_fails(r))
		return result;		/* where there may be no page a touch is deadly */
	for (unsigned page = 0; page < REGION_PAGES; page++) {
		if (at[page * PAGE / 8])
			return -1000;
		at[page * PAGE / 8] = (uintptr_t)at + me;
	}
	return result;
}

/* May the page at @at hold something else than the mark? One that was unmapped in the same race may
 * have been there, and another call writes to its second page. */
static bool is_overwritten(const struct race *r, const volatile uint64_t *at)
{
	return (uintptr_t)at == (uintptr_t)r->region + PAGE && race_did(r, SYS_copy64, 0, false);
}

static const char *unmap_marked(struct race *r, unsigned me)
{
	volatile uint64_t *region = (volatile uint64_t *)r->made[me];
	const char *wrong = NULL;

	for (unsigned page = 0; region && !race_fails(r) && page < REGION_PAGES; page++) {
		volatile uint64_t *at = &region[page * PAGE / 8];

		if (*at != (uintptr_t)region + me && !is_overwritten(r, at))
			wrong = "a page of a new region was lost";
	}
	if (region && sys_unmap((uintptr_t)region, REGION_PAGES * PAGE))
		wrong = "a new region cannot be unmapped";
	return wrong;
}

static const char *join_made(struct race *r, unsigned me)
{
	return r->made[me] && sys_thread_join((unsigned long)r->made[me]) ?
		       "a new thread cannot be joined" :
		       NULL;
}

/* Unless it is the other's call that has waited for it. */
static const char *wait_made(struct race *r, unsigned me)
{
	long status = r->made[me] ? sys_wait((unsigned long)r->made[me]) : 0;

	if (status == -ECHILD && r->made[me] == (long)r->next_pid &&
	    race_did(r, SYS_wait, 0, false))
		return NULL;
	return status ? "a new process cannot be waited for" : NULL;
}

/* More of them, so that memory that was freed by then is somebody else's. */
#define MORE 4
static long more[MORE];

static long spawn_more(struct race *r, unsigned me, long result)
{
	for (unsigned i = 0; i < MORE; i++)
		more[i] = spawn("ender", "");
	return keep(r, me, result);
}

static const char *wait_more(struct race *r, unsigned me)
{
	const char *wrong = wait_made(r, me);

	for (unsigned i = 0; i < MORE; i++)
		if (more[i] < 0 || sys_wait((unsigned long)more[i]))
			wrong = "one of more processes cannot be waited for";
	return wrong;
}

/* Registers that were read are T's. */
static long check_registers(struct race *r, unsigned me, long result)
{
	(void)r;
	return result || (registers[me].cs & 3) == 3 ? result : -1000;
}

/* --- the table ------------------------------------------------------------------ */

#define THREADS (PROCESS | TIDS | POOLS | QUEUES | SPACE)
#define PROCESSES (CHILDREN | ARCHIVE | POOLS | SELF)
#define END (PROCESS | TIDS | CHILDREN | SPACE | POOLS | SELF)

const struct call calls[] = {
	{ "copy64", SYS_copy64, SPACE | SELF, NEEDS_REGION, 0, copy_there, NULL, NULL, 0 },
	{ "yield", SYS_yield, QUEUES | SELF, 0, 0, NULL, NULL, NULL, 0 },
	{ "sleep", SYS_sleep, QUEUES | TIMER | SELF, 0, 0, NULL, NULL, NULL, 0 },
	{ "wake", SYS_wake, TARGET | QUEUES, NEEDS_TARGET, 0, on_target, NULL, NULL, 0 },
	{ "wake_peer", SYS_wake, PEER, 0, 0, on_peer, NULL, NULL, 0 },
	{ "exit", SYS_exit, END, 0, ENDS_PROCESS, code, NULL, NULL, 0 },
	{ "kill", SYS_exit, END, 0, ENDS_PROCESS | BY_TOUCH, nowhere, NULL, NULL, 0 },
	{ "child_exit", SYS_exit, CHILDREN, NEEDS_PLAYER, ENDS_THREAD | IN_CHILD, code, NULL, NULL,
	  0 },
	{ "create", SYS_thread_create, THREADS | SELF, 0, HANDS_OUT, new_thread, keep, join_made,
	  0 },
	{ "thread_exit", SYS_thread_exit, THREADS | SELF, 0, ENDS_THREAD, NULL, NULL, NULL, 0 },
	{ "join", SYS_thread_join, TARGET | TIDS | SELF, NEEDS_TARGET | NEEDS_ENDING, 0, on_target,
	  NULL, NULL, 0 },
	{ "join_dead", SYS_thread_join, TARGET | TIDS, NEEDS_DEAD, 0, on_target, NULL, NULL, 0 },
	{ "join_peer", SYS_thread_join, PEER, 0, 0, on_peer, NULL, NULL, 0 },
	{ "spawn", SYS_spawn, PROCESSES, NEEDS_NEXT_PID, HANDS_OUT, new_process, keep, wait_made,
	  0 },
	{ "spawn_with", SYS_spawn_with, CHILDREN, NEEDS_NEXT_PID, HANDS_OUT, other_process, keep,
	  wait_made, 0 },
	{ "spawn_more", SYS_spawn, 0, NEEDS_NEXT_PID, HANDS_OUT | ONLY_AS_Z, new_process,
	  spawn_more, wait_more, 0 },
	{ "wait", SYS_wait, CHILDREN | SELF, NEEDS_CHILD, 0, on_child, NULL, NULL, 0 },
	{ "wait_zombie", SYS_wait, CHILDREN, NEEDS_ZOMBIE, 0, on_child, NULL, NULL, 0 },
	{ "wait_next", SYS_wait, CHILDREN, NEEDS_NEXT_PID, 0, on_next_child, NULL, NULL, 0 },
	{ "fs_base", SYS_set_fs_base, SELF, 0, 0, NULL, NULL, NULL, 0 },
	{ "write", SYS_console_write, CONSOLE | SELF, 0, 0, a_letter, NULL, NULL, 0 },
	{ "report", SYS_bench_report, CONSOLE, 0, 0, a_figure, NULL, NULL, 0 },
	{ "map", SYS_map, SPACE | SELF, 0, HANDS_OUT, new_region, mark, unmap_marked, 0 },
	{ "unmap", SYS_unmap, SPACE | SELF, NEEDS_REGION, 0, region, NULL, NULL, 0 },
	{ "unmap_empty", SYS_unmap, SPACE | SELF, NEEDS_REGION | NEEDS_EMPTY, 0, region, NULL, NULL,
	  0 },
	{ "touch", SYS_null, SPACE | SELF, NEEDS_REGION, BY_TOUCH, untouched_page, NULL, NULL, 0 },
	{ "priority", SYS_set_priority, TARGET | QUEUES, NEEDS_TARGET, 0, target_priority, NULL,
	  NULL, 0 },
	{ "priority_peer", SYS_set_priority, PEER, 0, 0, peer_priority, NULL, NULL, 0 },
	{ "affinity", SYS_set_affinity, TARGET | QUEUES, NEEDS_TARGET, 0, target_affinity, NULL,
	  NULL, 0 },
	{ "affinity_peer", SYS_set_affinity, PEER, 0, 0, peer_affinity, NULL, NULL, 0 },
	{ "stop", SYS_thread_stop, TARGET | SELF, NEEDS_TARGET, 0, on_target, NULL, NULL, 0 },
	{ "stop_peer", SYS_thread_stop, PEER, 0, 0, on_peer, NULL, NULL, 0 },
	{ "get_registers", SYS_thread_get_registers, TARGET, NEEDS_STOPPED, 0, get_registers,
	  check_registers, NULL, 0 },
	{ "set_registers", SYS_thread_set_registers, TARGET, NEEDS_STOPPED, 0, set_registers, NULL,
	  NULL, 0 },
	{ "resume", SYS_thread_resume, TARGET | QUEUES, NEEDS_STOPPED, 0, on_target, NULL, NULL,
	  0 },
	{ "rights", SYS_spawn_rights, CHILDREN, 0, 0, no_rights, NULL, NULL, 0 },
	{ "tick", SYS_bench_control, QUEUES | TIMER | SELF, 0, 0, a_tick, NULL, NULL, 0 },
	{ "expiry", SYS_bench_control, TARGET | TIMER, NEEDS_TIMED, 0, an_expiry, NULL, NULL, 0 },
	{ "create_fail1", SYS_thread_create, THREADS, 0, HANDS_OUT, new_thread, keep, join_made,
	  1 },
	{ "create_fail2", SYS_thread_create, THREADS, 0, HANDS_OUT, new_thread, keep, join_made,
	  2 },
	{ "create_fail3", SYS_thread_create, THREADS, 0, HANDS_OUT, new_thread, keep, join_made,
	  3 },
	{ "map_fail", SYS_map, SPACE, 0, HANDS_OUT, new_region, mark, unmap_marked, 1 },
	{ "copy64_fail", SYS_copy64, SPACE, NEEDS_REGION, 0, copy_there, NULL, NULL, 1 },
	{ "spawn_fail1", SYS_spawn, PROCESSES, NEEDS_NEXT_PID, HANDS_OUT, new_process, keep,
	  wait_made, 1 },
	{ "spawn_fail4", SYS_spawn, PROCESSES, NEEDS_NEXT_PID, HANDS_OUT, new_process, keep,
	  wait_made, 4 },
	{ "spawn_fail12", SYS_spawn, PROCESSES, NEEDS_NEXT_PID, HANDS_OUT, new_process, keep,
	  wait_made, 12 },
};
const unsigned call_count = sizeof(calls) / sizeof(calls[0]);
