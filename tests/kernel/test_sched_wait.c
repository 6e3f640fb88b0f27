/* SPDX-License-Identifier: MIT */
/*
 * test_sched_wait.c - a program's wake() and what the kernel waits for do not take each other's
 * place, though a thread waits for both in one way. A wake does not even have who waits in the
 * kernel look.
 *
 * The test runs on the idle thread; its guest runs whenever it yields.
 */
#include "arch/x86_64/cpu.h"
#include "kernel/abi.h"
#include "kernel/sched/sched.h"
#include "tests/kernel/ktest.h"
#include "tests/kernel/sched_test.h"

static bool event;			/* what the guest waits for in the kernel */
static unsigned looks, events_seen, sleeps_over;
static int result;			/* of its last sleep() */

static void wait_then_sleep(void *unused)
{
	(void)unused;
	while (!event) {
		looks++;
		sched_wait(THREAD_BLOCKED, 0);
	}
	events_seen++;
	result = sched_sleep(0);
	sleeps_over++;
}

static void sleep_only(void *timeout_ns)
{
	result = sched_sleep((uint64_t)timeout_ns);
	sleeps_over++;
}

static struct thread *new_guest(void (*main)(void *), void *arg)
{
	event = false;
	looks = events_seen = sleeps_over = 0;
	result = 1;
	return sched_test_thread_here(main, arg);
}

static void come_true(struct thread *guest)
{
	event = true;
	sched_unblock(guest);
	sched_yield();
}

KTEST(a_wake_that_came_before_a_wait_of_the_kernel_ends_the_sleep_after_it)
{
	struct thread *guest = new_guest(wait_then_sleep, NULL);

	sched_wake(guest);
	sched_make_ready(guest);
	sched_yield();
	KCHECK(looks == 1 && !events_seen && guest->state == THREAD_BLOCKED);
	come_true(guest);
	KCHECK(events_seen == 1 && sleeps_over == 1 && result == 0);
}

KTEST(a_wake_during_a_wait_of_the_kernel_ends_the_sleep_after_it)
{
	struct thread *guest = new_guest(wait_then_sleep, NULL);

	sched_make_ready(guest);
	sched_yield();
	sched_wake(guest);
	sched_yield();
	KCHECK(looks == 1 && !events_seen && guest->state == THREAD_BLOCKED);
	come_true(guest);
	KCHECK(events_seen == 1 && sleeps_over == 1 && result == 0);
}

KTEST(what_the_kernel_waits_for_ends_no_sleep)
{
	struct thread *guest = new_guest(sleep_only, NULL);

	sched_unblock(guest);		/* left over from a wait that did not need it */
	sched_make_ready(guest);
	sched_yield();
	KCHECK(!sleeps_over && guest->state == THREAD_SLEEPING);
	sched_unblock(guest);
	sched_yield();
	KCHECK(!sleeps_over && guest->state == THREAD_SLEEPING);
	sched_wake(guest);
	sched_yield();
	KCHECK(sleeps_over == 1 && result == 0);
}

KTEST(a_sleep_that_something_else_ends_is_over_when_its_time_is)
{
	struct thread *guest = new_guest(sleep_only, (void *)1ul);

	sched_unblock(guest);
	sched_make_ready(guest);
	sched_yield();
	KCHECK(sleeps_over == 1 && result == -ETIMEDOUT);
}

static void sleep_twice(void *unused)
{
	sleep_only(unused);
	sleep_only(unused);
}

KTEST(two_wakes_before_a_sleep_are_one)
{
	struct thread *guest = new_guest(sleep_twice, NULL);

	sched_wake(guest);
	sched_wake(guest);
	sched_make_ready(guest);
	sched_yield();
	KCHECK(sleeps_over == 1 && result == 0 && guest->state == THREAD_SLEEPING);
	sched_wake(guest);
	sched_yield();
	KCHECK(sleeps_over == 2 && result == 0);
}
