/* SPDX-License-Identifier: MIT */
/*
 * threadstop.c - threads stopped by a sibling, and their registers read and replaced.
 *
 * A thread stops in exit_work(), the last place before user mode: there its frame is
 * complete, it holds no lock and has nothing half done.  Whoever wants it stopped gets it there
 * (sched_interrupt()) and waits.  A thread that was stopped does not return from exit_work(): it
 * leaves as a new thread does, through user_return(), which is IRETQ and restores every register.
 * So its frame may hold anything, and the way back to SYSRET, which would believe some words of it,
 * is not taken.
 *
 * What IRETQ faults on (selectors, a non-canonical RIP) is let through: that fault
 * is the program's, see kernel_exception().  What would *not* fault and harm is refused or
 * corrected here.
 */
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/x86.h"
#include "kernel/object/process.h"
#include "kernel/object/process_internal.h"
#include "kernel/sched/sched.h"
#include "kernel/sync/spinlock.h"

#define NOT_YET 1			/* no error and not 0: it is still on its way */
#define CPL_USER 3

/* --- stopping ------------------------------------------------------------------ */

/* It stopped for @me, and a third has resumed it before @me could look: that might go on for
 * ever. */
static bool was_resumed(const struct thread *t, const struct thread *me)
{
	return t->stopper == me && t->stop == STOP_NONE;
}

/* For thread_apply(), with process_lock held, as are all that take @arg; the answer goes to *(int
 * *)@arg. */
static void ask_to_stop(struct thread *t, uint64_t arg)
{
	struct thread *me = current_thread();
	int *answer = (int *)arg;

	if (t == me) {
		*answer = -EINVAL;
	} else if (t->stop == STOP_DONE || was_resumed(t, me)) {
		*answer = 0;
	} else if (t->stopper && t->stopper != me) {
		*answer = -EAGAIN;
	} else {
		*answer = NOT_YET;
		t->stopper = me;
		if (t->stop == STOP_NONE) {
			t->stop = STOP_WANTED;
			t->work = WORK_STOP;
			sched_renew_priority(t);
			sched_interrupt(t);
		}
	}
}

static void stop_waiting(struct thread *t, uint64_t unused)
{
	(void)unused;
	if (t->stopper == current_thread())
		t->stopper = NULL;
}

/* Two that stop each other both give up waiting and both stop; a third may resume them. */
int thread_stop(uint32_t tid)
{
	struct thread *me = current_thread();
	int answer = 0, err;

	for (;;) {
		/* anew: it may have ended */
		err = thread_apply(tid, ask_to_stop, (uint64_t)&answer);
		if (err || answer != NOT_YET)
			break;
		if (__atomic_load_n(&me->work, __ATOMIC_RELAXED) || me->process->dying) {
			answer = -EINTR;
			break;
		}
		sched_wait(THREAD_BLOCKED, 0);
	}
	thread_apply(tid, stop_waiting, 0);
	return err ? err : answer;
}

static void resume(struct thread *t, uint64_t arg)
{
	if (t->stop != STOP_DONE) {
		*(int *)arg = -EINVAL;
		return;
	}
	t->stop = STOP_NONE;
	t->work = 0;
	sched_renew_priority(t);
	sched_unblock(t);
}

int thread_resume(uint32_t tid)
{
	int answer = 0, err = thread_apply(tid, resume, (uint64_t)&answer);

	return err ? err : answer;
}

void thread_wait_stopped(void)
{
	struct thread *t = current_thread();

	/* FS base is the CPU's until the next switch, and is written back there. */
	segments_save(&t->segments);
	spin_lock(&process_lock);
	t->stopped_fs_base = t->segments.fs_base;
	while (t->stop != STOP_NONE && !t->process->dying) {
		t->stop = STOP_DONE;
		if (t->stopper)
			sched_unblock(t->stopper);
		spin_unlock(&process_lock);
		sched_wait(THREAD_BLOCKED, 0);
		spin_lock(&process_lock);
	}
	spin_unlock(&process_lock);
}

/* --- registers ----------------------------------------------------------------- */

struct access {
	struct thread_registers *r;
	int answer;
};

/* The general registers have the same names here and there. */
#define GENERAL_REGISTERS(X) \
	X(rax) X(rbx) X(rcx) X(rdx) X(rsi) X(rdi) X(rbp) \
	X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15) \
	X(rip) X(rsp) X(cs) X(ss)

static void get_registers(struct thread *t, uint64_t arg)
{
	struct access *access = (struct access *)arg;
	struct thread_registers *r = access->r;
	const struct trapframe *f = t->frame;

	if (t->stop != STOP_DONE) {
		access->answer = -EINVAL;
		return;
	}
#define GET(name) r->name = f->name;
	GENERAL_REGISTERS(GET)
#undef GET
	r->rflags = f->rflags;
	r->fs_base = t->stopped_fs_base;
}

/*
 * What IRETQ or WRMSR would take without harm to the program only.  CS's RPL becomes CPL: 0 would
 * be ring 0, so only 3 passes.  SS's RPL must equal it, or IRETQ faults by itself.  A non-canonical
 * FS base would fault in the kernel (SDM vol. 2, WRMSR); above USER_END it stays as set_fs_base()
 * has it.
 */
static bool acceptable(const struct thread_registers *r)
{
	return (r->cs & 3) == CPL_USER && r->cs <= UINT16_MAX && r->ss <= UINT16_MAX &&
	       r->fs_base < USER_END;
}

static void set_registers(struct thread *t, uint64_t arg)
{
	struct access *access = (struct access *)arg;
	const struct thread_registers *r = access->r;
	struct trapframe *f = t->frame;

	if (t->stop != STOP_DONE || !acceptable(r)) {
		access->answer = -EINVAL;
		return;
	}
#define SET(name) f->name = r->name;
	GENERAL_REGISTERS(SET)
#undef SET
	/* As POPF in user mode: IF stays on; IOPL, VM, VIF and VIP stay 0. */
	f->rflags = (r->rflags & FLAGS_USER) | FLAG_IF | FLAG_FIXED;
	t->stopped_fs_base = r->fs_base;
}

int thread_get_registers(uint32_t tid, struct thread_registers *r)
{
	struct access access = { .r = r };
	int err = thread_apply(tid, get_registers, (uint64_t)&access);

	return err ? err : access.answer;
}

int thread_set_registers(uint32_t tid, const struct thread_registers *r)
{
	struct thread_registers copy = *r;
	struct access access = { .r = &copy };
	int err = thread_apply(tid, set_registers, (uint64_t)&access);

	return err ? err : access.answer;
}
