/* SPDX-License-Identifier: MIT */
/*
 * hang.c - a program that never ends (tests=hang): everybody waits for somebody, in every way there
 * is.
 *
 * It is there to be looked at from outside (tools/hang.py).  Those that wait are on one CPU, and
 * the thread that says that they do is less urgent than they: it runs when none of them can.
 */
#include "print.h"
#include "smp.h"
#include "string.h"
#include "thread.h"
#include "user.h"

#define LONG_NS (1000 * 1000 * 1000000ul)

static long child;
static unsigned arrived;		/* of the threads that wait; on their CPU, and about to */
static struct user_thread sleeper, napper, stopped, waiter, joiner, spinner;

static void arrive(void)
{
	smp_pin(smp_cpu(0));
	__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
}

static void sleep_for_ever(void *unused)
{
	(void)unused;
	arrive();
	for (;;)
		sys_sleep(0);
}

static void nap(void *unused)
{
	(void)unused;
	arrive();
	for (;;)
		sys_sleep(LONG_NS);
}

void hang_spin(void *unused);
void hang_spin(void *unused)
{
	(void)unused;
	for (;;)
		smp_relax();
}

static void wait_for_child(void *unused)
{
	(void)unused;
	arrive();
	sys_wait((unsigned long)child);
}

static void join_sleeper(void *unused)
{
	(void)unused;
	arrive();
	sys_thread_join((unsigned long)sleeper.tid);
}

static void start(struct user_thread *t, void (*body)(void *), const char *what)
{
	if (thread_start(t, body, NULL)) {
		printf("hang: no thread to %s\n", what);
		sys_exit(1);
	}
	printf("hang: thread %ld is to %s\n", t->tid, what);
}

int main(const char *arg, size_t len)
{
	(void)len;
	smp_pin(smp_cpu(0));
	if (!strcmp(arg, "child"))
		sleep_for_ever(NULL);
	child = spawn("hang", "child");
	start(&sleeper, sleep_for_ever, "sleep");
	start(&napper, nap, "nap");
	start(&waiter, wait_for_child, "wait");
	start(&joiner, join_sleeper, "join");
	start(&stopped, hang_spin, "be stopped");
	sys_thread_stop((unsigned long)stopped.tid);
	start(&spinner, hang_spin, "spin");
	sys_set_priority((unsigned long)spinner.tid, PRIORITY_BACKGROUND);
	sys_set_priority(0, PRIORITY_BACKGROUND);
	while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < 4)
		smp_wait();
	printf("hang: child %ld, all wait\n", child);
	sys_thread_join((unsigned long)joiner.tid);
	return 0;
}
