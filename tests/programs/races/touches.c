/* SPDX-License-Identifier: MIT */
/* touches.c - what every system call touches: who must have a row in calls.c, and which rows are a
 * pair. */
#include "races.h"
#include "string.h"

/* Every system call. One that touches what others touch has at least one row in calls[]. */
#define TOUCHES(X) \
	X(null, ALONE) X(copy64, SPACE) X(yield, QUEUES) X(sleep, SELF | QUEUES | TIMER) \
	X(wake, TARGET | QUEUES) X(exit, PROCESS | CHILDREN | POOLS) \
	X(thread_create, PROCESS | TIDS | POOLS) X(thread_exit, PROCESS | TIDS) \
	X(thread_join, TARGET | TIDS | SELF) X(spawn, CHILDREN | ARCHIVE | POOLS) \
	X(wait, CHILDREN | SELF) X(clock, ALONE) X(set_fs_base, SELF) X(console_write, CONSOLE) \
	X(map, SPACE) X(unmap, SPACE) X(bench_report, CONSOLE) X(bench_control, MEASURES) \
	X(shutdown, ALONE) X(set_priority, TARGET | QUEUES) X(set_affinity, TARGET | QUEUES) \
	X(cpu, ALONE) X(thread_stop, TARGET | SELF) X(thread_get_registers, TARGET) \
	X(thread_set_registers, TARGET) X(thread_resume, TARGET) X(spawn_rights, CHILDREN) \
	X(spawn_with, CHILDREN | ARCHIVE | POOLS) X(design, ALONE)

#define NUMBER(name, touches) LISTED_##name = SYS_##name,
enum { TOUCHES(NUMBER) };
#define ONE(name, touches) + 1
_Static_assert(0 TOUCHES(ONE) == SYSCALL_COUNT,
	       "say in TOUCHES what the new system call touches, and give it a row");

static const struct {
	const char *name;
	unsigned touches;
} listed[SYSCALL_COUNT] = {
#define ROW(name, touches) [SYS_##name] = { #name, touches },
	TOUCHES(ROW)
};

const struct call *call_find(const char *name)
{
	for (unsigned i = 0; i < call_count; i++)
		if (!strcmp(calls[i].name, name))
			return &calls[i];
	return NULL;
}

/* A touch of what is no more there would end the program: copy64() has that fault too, and an error
 * to tell it by. */
static bool is_deadly(const struct call *x, const struct call *y)
{
	return y->flags & BY_TOUCH && !(y->flags & ENDS_PROCESS) &&
	       (x->number == SYS_unmap || x->fail);
}

/* Two failing calls would fail each other's allocations, and two players need a child each. */
unsigned shared(const struct call *x, const struct call *y)
{
	unsigned both = x->touches & y->touches & ~(PEER | SELF);

	if (is_deadly(x, y) || is_deadly(y, x))
		return 0;
	if (y->fail || (x->flags | y->flags) & ONLY_AS_Z ||
	    (x->flags & IN_CHILD && y->flags & IN_CHILD))
		return 0;
	if (x->touches & PEER && y->touches & (PEER | SELF))
		both |= PEER;
	if (y->touches & PEER && x->touches & (PEER | SELF))
		both |= PEER;
	return both & PEER && (x->flags | y->flags) & IN_CHILD ? 0 : both;
}

const char *call_missing(void)
{
	for (unsigned n = 0; n < SYSCALL_COUNT; n++) {
		unsigned i = 0;

		while (i < call_count && calls[i].number != n)
			i++;
		if (i == call_count && !(listed[n].touches & (ALONE | MEASURES)))
			return listed[n].name;
	}
	return NULL;
}
