/* SPDX-License-Identifier: MIT */
/* process.h - create, end, wait for processes and threads. All: IRQs off, kernel table. */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include "kernel/abi.h"
#include "kernel/load/archive.h"
#include "kernel/object/object.h"

extern struct archive boot_archive;

/* What a process begins with: a program of the boot archive, an argument string (on its stack; rdi
 * = address, rsi = length), the design by which it enters the kernel, which this boot can run. */
struct beginning {
	const char *name, *arg;
	size_t arg_len;
	const struct entry_design *design;
};

/* Start a process with @b as a child of @parent, NULL for the first one. The new thread is ready.
 * Lets interrupts in. Its pid, or -ENOENT, -ENOEXEC (the reason goes to the console), -EINVAL,
 * -ENOMEM, -EAGAIN, -EINTR. */
int64_t process_spawn(const struct beginning *b, struct process *parent);
/* A further thread of the current process at @rip. Its tid, or -ENOMEM, -EAGAIN. */
int64_t thread_create(uint64_t rip, uint64_t rsp, uint64_t rdi);
/* A kernel thread. NULL when memory is short. */
struct thread *thread_create_kernel(void (*main)(void *), void *arg);

void thread_exit_current(void) __attribute__((noreturn));
void process_exit_current(uint32_t status) __attribute__((noreturn));
/* Kill the current process because of what its thread did; prints one line that says why. */
void process_kill_current(uint32_t vector, const char *why, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/* All four: @tid is a live thread of the current process, else -ESRCH. kernel/syscalls.def has the
 * rest. */
int thread_stop(uint32_t tid);		/* waits, as long as that thread's way to user mode takes */
int thread_get_registers(uint32_t tid, struct thread_registers *r);
int thread_set_registers(uint32_t tid, const struct thread_registers *r);
int thread_resume(uint32_t tid);
/* The current thread is to stop (WORK_STOP), its frame is complete: wait until it is resumed or has
 * to end. */
void thread_wait_stopped(void);

int64_t thread_join(uint32_t tid);
int64_t process_wait(uint32_t pid);
/* Call @fn on live thread @tid of the current process, which cannot end meanwhile. 0, or -ESRCH. */
int thread_apply(uint32_t tid, void (*fn)(struct thread *t, uint64_t arg), uint64_t arg);

/* Every process in turn, for the audit; NULL after the last. */
struct process *process_next(struct process *p);
/* For tests: what is wrong with that list, or with the chains by pid; or NULL. */
const char *process_check_table(void);

#endif
