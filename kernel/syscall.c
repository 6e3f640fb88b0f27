/* SPDX-License-Identifier: MIT */
/*
 * syscall.c - the system calls (kernel/syscalls.def says what each promises).
 *
 * All run on the thread's kernel stack, kernel table, interrupts off, arguments
 * unchecked.  A user's mistake returns -E...; nothing here trusts a pointer.
 */
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/console/panic.h"
#include "kernel/console/printk.h"
#include "kernel/lib/probe.h"
#include "kernel/object/pid.h"
#include "kernel/object/process.h"
#include "kernel/object/reap.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall.h"
#include "mm/pagetable.h"
#include "mm/usercopy.h"

#define CONSOLE_WRITE_MAX	4096
#define NAME_MAX		23

int64_t sys_null(void)
{
	return 0;
}

int64_t sys_copy64(uint64_t in, uint64_t out)
{
	uint64_t buf[8];

	if (copy_from_user(buf, in, sizeof(buf)) || copy_to_user(out, buf, sizeof(buf)))
		return -EFAULT;
	return 0;
}

int64_t sys_yield(void)
{
	sched_yield();
	return 0;
}

int64_t sys_sleep(uint64_t timeout_ns)
{
	return sched_sleep(timeout_ns);
}

static void wake_thread(struct thread *t, uint64_t unused)
{
	(void)unused;
	sched_wake(t);
}

int64_t sys_wake(uint64_t tid)
{
	return tid <= UINT32_MAX ? thread_apply(tid, wake_thread, 0) : -ESRCH;
}

static void set_priority(struct thread *t, uint64_t priority)
{
	sched_set_priority(t, priority);
}

/* The first thread of a process is told no tid: 0 is the caller. */
static uint64_t or_own(uint64_t tid)
{
	return tid ? tid : current_thread()->tid;
}

int64_t sys_set_priority(uint64_t tid, uint64_t priority)
{
	if (priority >= PRIORITY_COUNT)
		return -EINVAL;
	if (priority < PRIORITY_USUAL && !(current_thread()->process->rights & RIGHT_PRIORITY))
		return -EPERM;
	return tid <= UINT32_MAX ? thread_apply(or_own(tid), set_priority, priority) : -ESRCH;
}

int64_t sys_spawn_rights(uint64_t rights)
{
	struct process *p = current_thread()->process;

	if (rights & ~(uint64_t)p->rights)
		return -EPERM;
	return __atomic_exchange_n(&p->spawn_rights, (uint32_t)rights, __ATOMIC_RELAXED);
}

int64_t sys_set_affinity(uint64_t tid, uint64_t mask)
{
	int err;

	if (!(mask & sched_online_cpus()))
		return -EINVAL;
	err = tid <= UINT32_MAX ? thread_apply(or_own(tid), sched_set_affinity, mask) : -ESRCH;
	/* When it was our own, the way out moves us: exit_work() yields. */
	return err;
}

int64_t sys_cpu(void)
{
	return this_cpu()->index;
}

int64_t sys_exit(uint64_t code)
{
	process_exit_current(code & 0xff);
}

/* A refusal for want of something that the dead may hold: is it worth another try? */
static bool try_again(int64_t err)
{
	if (err != -ENOMEM && err != -EAGAIN)
		return false;
	reclaim(err == -ENOMEM);
	return true;
}

int64_t sys_thread_create(uint64_t rip, uint64_t stack, uint64_t arg)
{
	int64_t tid;

	if (rip >= USER_END)
		return -EINVAL;
	tid = thread_create(rip, stack, arg);
	return try_again(tid) ? thread_create(rip, stack, arg) : tid;
}

int64_t sys_thread_exit(void)
{
	thread_exit_current();
}

int64_t sys_thread_join(uint64_t tid)
{
	return tid <= UINT32_MAX ? thread_join(tid) : -ESRCH;
}

int64_t sys_thread_stop(uint64_t tid)
{
	return tid <= UINT32_MAX ? thread_stop(tid) : -ESRCH;
}

int64_t sys_thread_resume(uint64_t tid)
{
	return tid <= UINT32_MAX ? thread_resume(tid) : -ESRCH;
}

int64_t sys_thread_get_registers(uint64_t tid, uint64_t registers)
{
	struct thread_registers r;
	int err = tid <= UINT32_MAX ? thread_get_registers(tid, &r) : -ESRCH;

	if (!err && copy_to_user(registers, &r, sizeof(r)))
		err = -EFAULT;
	return err;
}

int64_t sys_thread_set_registers(uint64_t tid, uint64_t registers)
{
	struct thread_registers r;

	if (copy_from_user(&r, registers, sizeof(r)))
		return -EFAULT;
	return tid <= UINT32_MAX ? thread_set_registers(tid, &r) : -ESRCH;
}

/* A string of at most @max bytes into @buf, NUL-terminated. */
static int copy_string(char *buf, uint64_t src, uint64_t len, size_t max)
{
	if (len > max)
		return -EINVAL;
	if (copy_from_user(buf, src, len))
		return -EFAULT;
	buf[len] = 0;
	return 0;
}

static int64_t start(const struct spawn_request *r, const struct entry_design *design)
{
	struct process *parent = current_thread()->process;
	char name[NAME_MAX + 1], arg[ARG_MAX + 1];
	struct beginning b = { name, arg, r->arg_len, design };
	int64_t pid;
	int err;

	err = copy_string(name, r->name, r->name_len, NAME_MAX);
	if (!err)
		err = copy_string(arg, r->arg, r->arg_len, ARG_MAX);
	if (err)
		return err;
	pid = process_spawn(&b, parent);
	return try_again(pid) ? process_spawn(&b, parent) : pid;
}

int64_t sys_spawn(uint64_t name, uint64_t name_len, uint64_t arg, uint64_t arg_len)
{
	struct spawn_request r = { name, name_len, arg, arg_len, 0 };
	const struct entry_design *design = boot_design;

	PROBE(spawn_design, &design);
	return start(&r, design);
}

/* The design of this number, if the current process may start another that has it. */
static int choose_design(uint64_t number, const struct entry_design **design)
{
	const struct entry_design *d = NULL;
	const char *why;

	for (unsigned n = 0; n < entry_design_count(); n++)
		if (n == number)
			d = entry_design_at(n);
	if (!d)
		return -EINVAL;
	why = entry_refusal(d);
	if (why) {
		printk_windows("spawn: no process can have the entry design %s: %s\n", d->name,
			       why);
		return -ENOTSUP;
	}
	if (entry_mixed() && !d->split &&
	    !(current_thread()->process->rights & RIGHT_UNISOLATED))
		return -EPERM;
	*design = d;
	return 0;
}

int64_t sys_spawn_with(uint64_t request)
{
	const struct entry_design *design;
	struct spawn_request r;
	int64_t pid;
	int err;

	if (copy_from_user(&r, request, sizeof(r)))
		return -EFAULT;
	err = choose_design(r.design, &design);
	if (err)
		return err;
	pid = start(&r, design);
	if (pid > 0 && entry_mixed() && !design->split)
		printk_windows("spawn: process %u chose the entry design %s for its child %ld: "
			       "without isolation, it can read all memory\n",
			       current_thread()->process->pid, design->name, pid);
	return pid;
}

int64_t sys_design(void)
{
	return current_thread()->design->number;
}

int64_t sys_wait(uint64_t pid)
{
	return pid <= UINT32_MAX ? process_wait(pid) : -ECHILD;
}

int64_t sys_clock(void)
{
	return clock_ns();
}

int64_t sys_set_fs_base(uint64_t base)
{
	if (base >= USER_END)
		return -EINVAL;
	current_thread()->segments.fs_base = base;
	wrmsr(MSR_FS_BASE, base);
	return 0;
}

/* How many of @n bytes go out in one piece: a line, so that lines of several programs do not
 * mix. */
static uint64_t piece(const char *buf, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (buf[i] == '\n')
			return i + 1;
	return n;
}

int64_t sys_console_write(uint64_t buf, uint64_t len)
{
	char chunk[128];
	uint64_t done = 0;

	if (len > CONSOLE_WRITE_MAX)
		return -EINVAL;
	while (done < len) {
		uint64_t n = len - done < sizeof(chunk) ? len - done : sizeof(chunk);

		if (copy_from_user(chunk, buf + done, n))
			return done ? (int64_t)done : -EFAULT;
		n = piece(chunk, n);
		console_write(chunk, n);
		done += n;
		if (done < len && sched_point())
			break;
	}
	return done;
}

int64_t sys_map(uint64_t len, uint64_t prot)
{
	uint64_t start, flags = 0;
	int err;

	if (!len || len > USER_END || (prot & ~(uint64_t)(PROT_WRITE | PROT_EXEC)) ||
	    prot == (PROT_WRITE | PROT_EXEC))
		return -EINVAL;
	flags |= prot & PROT_WRITE ? PTE_W : 0;
	flags |= prot & PROT_EXEC ? 0 : PTE_NX;
	len = (len + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
	err = aspace_map_anon(current_thread()->process->as, len, flags, &start);
	if (try_again(err))
		err = aspace_map_anon(current_thread()->process->as, len, flags, &start);
	return err ? err : (int64_t)start;
}

int64_t sys_unmap(uint64_t addr, uint64_t len)
{
	if (len > USER_END)
		return -EINVAL;
	len = (len + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
	return aspace_unmap(current_thread()->process->as, addr, len, sched_point);
}

int64_t sys_shutdown(uint64_t code)
{
	if (current_thread()->process->pid != INIT_PID)
		return -EPERM;
	if (code < EXIT_PASS || code > EXIT_USAGE)
		return -EINVAL;
	machine_exit(code);
}

/* --- for tests ---------------------------------------------------------------- */

int64_t sys_bench_report(uint64_t name, uint64_t name_len, uint64_t values, uint64_t n)
{
	return probe.report ? probe.report(name, name_len, values, n) : -ENOSYS;
}

int64_t sys_bench_control(uint64_t op, uint64_t arg)
{
	return probe.control ? probe.control(op, arg) : -ENOSYS;
}
