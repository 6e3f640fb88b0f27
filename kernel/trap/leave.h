/* SPDX-License-Identifier: MIT */
/* leave.h - the way to user mode. */
#ifndef KERNEL_LEAVE_H
#define KERNEL_LEAVE_H

#include <stdint.h>

/* Both: kernel table, kernel GS, IRQs off. */

/* Before user mode, while percpu->work is not 0: reschedule, die. On the thread's kernel stack.
 * The frame is complete, a system call's result included: a thread that stops here leaves
 * through user_return() and not through the caller. */
void exit_work(void);
/* The same where the frame does not have a system call's @result yet: puts it there. */
void exit_syscall_work(int64_t result);

#endif
