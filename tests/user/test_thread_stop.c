/* SPDX-License-Identifier: MIT */
/*
 * test_thread_stop.c - threads stopped by a sibling wherever they are, looked at, changed and
 * resumed.
 *
 * A thread is stopped while it spins, sleeps, joins, waits, stops another and before its first
 * instruction.  What registers it has then, what its call returned, and that nothing has changed
 * when it goes on.
 */
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "bystander.h"
#include "mm/layout.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "user.h"

#define PROGRAM "test_thread_stop"
#define NO_RESULT 1
#define TRIES 20
#define UNDONE_MAX 500000
#define HOG_NS 5000000000ul	/* a stop that waits as long as this waits for strangers */
#define CHILD_NS 300000000	/* a child's life; one that is too short is tried again */

static struct user_thread victim, other;
static volatile long result;	/* of the call that a victim was stopped in */
static volatile uint64_t turns;

static unsigned long tid_of(const struct user_thread *t)
{
	return (unsigned long)t->tid;
}

static void spin(void *unused)
{
	(void)unused;
	for (;;) {
		turns++;
		smp_relax();
	}
}

static void end(void *unused)
{
	(void)unused;
	sys_thread_exit();
}

/* --- in user mode, and before it ---------------------------------------------- */

static void check_frame(const struct thread_registers *r, const struct user_thread *t)
{
	CHECK_EQUAL(r->cs, SEL_USER_CODE);
	CHECK_EQUAL(r->ss, SEL_USER_DATA);
	CHECK(r->rflags & FLAG_IF && !(r->rflags & FLAG_IOPL));
	CHECK(r->rip < USER_END);
	CHECK(r->rsp - (uintptr_t)t->stack <= THREAD_STACK_SIZE);
	CHECK_EQUAL(r->fs_base, 0);
}

static void stop_spinner(void)
{
	struct thread_registers r, again;
	uint64_t before;

	turns = 0;
	CHECK_EQUAL(thread_start(&victim, spin, NULL), 0);
	while (!turns)
		smp_wait();
	CHECK_EQUAL(sys_thread_stop(tid_of(&victim)), 0);
	CHECK_EQUAL(sys_thread_stop(tid_of(&victim)), 0);
	before = turns;
	CHECK_EQUAL(thread_get(&victim, &r), 0);
	check_frame(&r, &victim);
	for (unsigned i = 0; i < 200; i++)
		smp_wait();
	CHECK(turns == before);
	CHECK_EQUAL(thread_get(&victim, &again), 0);
	CHECK(!memcmp(&r, &again, sizeof(r)));
	CHECK_EQUAL(sys_thread_resume(tid_of(&victim)), 0);
	while (turns == before)
		smp_wait();
	CHECK_EQUAL(thread_cut_off(&victim), 0);
}

static void stop_newborn(void)
{
	struct thread_registers r;

	CHECK_EQUAL(thread_start(&victim, spin, NULL), 0);
	CHECK_EQUAL(sys_thread_stop(tid_of(&victim)), 0);
	CHECK_EQUAL(thread_get(&victim, &r), 0);
	check_frame(&r, &victim);
	CHECK_EQUAL(thread_cut_off(&victim), 0);
}

/* --- in a call ------------------------------------------------------------------- */

static void sleep_once(void *unused)
{
	(void)unused;
	turns++;
	result = sys_sleep(0);
}

static void join_other(void *unused)
{
	(void)unused;
	turns++;
	result = sys_thread_join(tid_of(&other));
}

static long child_pid;

static void wait_for_child(void *unused)
{
	(void)unused;
	turns++;
	result = sys_wait((unsigned long)child_pid);
}

/* Stop @victim in the call that it is about to make. Stopped before that, it goes on. False: the
 * call has ended. */
static bool stop_in_call(struct thread_registers *r)
{
	for (;;) {
		smp_wait();
		if (!CHECK_EQUAL(sys_thread_stop(tid_of(&victim)), 0) ||
		    !CHECK_EQUAL(thread_get(&victim, r), 0))
			return false;
		if (r->rax == (uint64_t)-EINTR)
			break;
		CHECK_EQUAL(sys_thread_resume(tid_of(&victim)), 0);
		if (result != NO_RESULT)
			return false;
	}
	CHECK_EQUAL(result, NO_RESULT);
	check_frame(r, &victim);
	return true;
}

/* A victim that makes @body's call is stopped in it, and the call returns what the stopper says:
 * @answer, or 0: EINTR. False: the call had its own end before that. */
static bool cut_short(void (*body)(void *), long answer)
{
	struct thread_registers r;
	bool stopped;

	turns = 0;
	result = NO_RESULT;
	CHECK_EQUAL(thread_start(&victim, body, NULL), 0);
	while (!turns)
		smp_wait();
	stopped = stop_in_call(&r);
	if (stopped) {
		r.rax = (uint64_t)(answer ? answer : -EINTR);
		CHECK_EQUAL(thread_set(&victim, &r), 0);
		CHECK_EQUAL(sys_thread_resume(tid_of(&victim)), 0);
	}
	CHECK_EQUAL(thread_finish(&victim), 0);
	if (stopped)
		CHECK_EQUAL(result, answer ? answer : -EINTR);
	return stopped;
}

static void stop_sleeper(void)
{
	CHECK(cut_short(sleep_once, 0));
	CHECK(cut_short(sleep_once, 4711));
}

static void stop_joiner(void)
{
	CHECK_EQUAL(thread_start(&other, spin, NULL), 0);
	CHECK(cut_short(join_other, 0));
	CHECK_EQUAL(thread_cut_off(&other), 0);	/* nobody joins it any more, or this would fail */
}

static void stop_waiter(void)
{
	bool stopped = false;

	for (unsigned i = 0; i < TRIES && !stopped; i++) {
		child_pid = spawn(PROGRAM, "child=sleep");
		CHECK(child_pid > 0);
		stopped = cut_short(wait_for_child, 0);
		/* Cut short, it has left the child to us. */
		CHECK_EQUAL(sys_wait((unsigned long)child_pid), stopped ? 7 : -ECHILD);
	}
	CHECK(stopped);
}

/* --- refusals ---------------------------------------------------------------------- */

static void refusals(void)
{
	struct thread_registers r;
	unsigned long gone;

	CHECK_EQUAL(thread_start(&victim, end, NULL), 0);
	gone = tid_of(&victim);
	CHECK_EQUAL(thread_finish(&victim), 0);
	CHECK_EQUAL(sys_thread_stop(gone), -ESRCH);
	CHECK_EQUAL(sys_thread_resume(gone), -ESRCH);
	CHECK_EQUAL(sys_thread_get_registers(gone, (uintptr_t)&r), -ESRCH);
	CHECK_EQUAL(sys_thread_stop(gone | 1ul << 32), -ESRCH);
	CHECK_EQUAL(thread_start(&victim, spin, NULL), 0);
	CHECK_EQUAL(thread_get(&victim, &r), -EINVAL);
	CHECK_EQUAL(thread_set(&victim, &r), -EINVAL);
	CHECK_EQUAL(sys_thread_resume(tid_of(&victim)), -EINVAL);
	CHECK_EQUAL(sys_thread_stop(tid_of(&victim)), 0);
	CHECK_EQUAL(sys_thread_get_registers(tid_of(&victim), USER_END - 8), -EFAULT);
	CHECK_EQUAL(sys_thread_set_registers(tid_of(&victim), 0), -EFAULT);
	CHECK_EQUAL(sys_thread_set_registers(tid_of(&victim), KERNEL_IMAGE_BASE), -EFAULT);
	CHECK_EQUAL(sys_thread_resume(tid_of(&victim)), 0);
	CHECK_EQUAL(sys_thread_resume(tid_of(&victim)), -EINVAL);
	CHECK_EQUAL(thread_cut_off(&victim), 0);
}

static void stop_myself(void *arg)
{
	result = sys_thread_stop(tid_of(arg));
}

/* --- a third that resumes ------------------------------------------------------------ */

static void stop_victim(void *unused)
{
	(void)unused;
	result = sys_thread_stop(tid_of(&victim));
}

/* Whoever asked for a stop that was made learns of it, also when somebody else has undone it before
 * he could look. */
static void undo_at_once(void)
{
	CHECK_EQUAL(thread_start(&victim, spin, NULL), 0);
	result = NO_RESULT;
	CHECK_EQUAL(thread_start(&other, stop_victim, NULL), 0);
	for (unsigned i = 0; i < UNDONE_MAX && result == NO_RESULT; i++) {
		sys_thread_resume(tid_of(&victim));
		smp_wait();
	}
	CHECK_EQUAL(result, 0);
	CHECK_EQUAL(result == NO_RESULT ? thread_cut_off(&other) : thread_finish(&other), 0);
	CHECK_EQUAL(thread_cut_off(&victim), 0);
}

/* --- in the background ------------------------------------------------------------ */

static volatile bool hog_over;

static void hog(void *unused)
{
	uint64_t end = (uint64_t)sys_clock() + HOG_NS;

	(void)unused;
	while ((uint64_t)sys_clock() < end && !hog_over)
		smp_relax();
	hog_over = true;
}

/* All on one CPU, where a background thread does not run while one of the usual priority spins. It
 * is stopped all the same, and is a background thread again when it goes on. */
static void stop_in_the_background(void)
{
	unsigned cpu = smp_cpu(0);

	smp_pin(cpu);
	turns = 0;
	hog_over = false;
	CHECK_EQUAL(thread_start(&victim, spin, NULL), 0);
	CHECK_EQUAL(sys_set_affinity(tid_of(&victim), 1ul << cpu), 0);
	while (!turns)
		smp_wait();
	CHECK_EQUAL(sys_set_priority(tid_of(&victim), PRIORITY_BACKGROUND), 0);
	CHECK_EQUAL(thread_start(&other, hog, NULL), 0);
	CHECK_EQUAL(sys_set_affinity(tid_of(&other), 1ul << cpu), 0);
	CHECK_EQUAL(sys_thread_stop(tid_of(&victim)), 0);
	CHECK(!hog_over);
	turns = 0;
	CHECK_EQUAL(sys_thread_resume(tid_of(&victim)), 0);
	for (unsigned i = 0; i < TRIES; i++)
		smp_wait();
	CHECK_EQUAL(turns, 0);
	hog_over = true;
	CHECK_EQUAL(thread_finish(&other), 0);
	CHECK_EQUAL(thread_cut_off(&victim), 0);
	smp_unpin();
}

/* --- the end of a process -------------------------------------------------------- */

/* In a child: the process ends beside a thread that stays stopped. */
static void leave_stopped(bool by_fault)
{
	CHECK_EQUAL(thread_start(&victim, spin, NULL), 0);
	CHECK_EQUAL(sys_thread_stop(tid_of(&victim)), 0);
	if (by_fault)
		__asm__ volatile("ud2");
	sys_exit(9);
}

int main(const char *arg, size_t len)
{
	struct bystander_thread witness;

	(void)len;
	if (!strcmp(arg, "child=sleep")) {
		sys_sleep(CHILD_NS);
		return 7;
	}
	if (starts_with(arg, "child=leave"))
		leave_stopped(!strcmp(arg, "child=leave,fault"));
	stop_in_the_background();	/* before somebody else spins for ever */
	CHECK_EQUAL(bystander_start(&witness, 6), 0);
	stop_spinner();
	stop_newborn();
	stop_sleeper();
	stop_joiner();
	stop_waiter();
	refusals();
	undo_at_once();
	CHECK_EQUAL(thread_start(&victim, stop_myself, &victim), 0);
	CHECK_EQUAL(thread_finish(&victim), 0);
	CHECK_EQUAL(result, -EINVAL);
	test_child(PROGRAM, "leave,fault", KILLED_BY(VECTOR_UD));
	CHECK_EQUAL(run(PROGRAM, "child=leave"), 9);
	CHECK(bystander_stop(&witness));
	return test_result();
}
