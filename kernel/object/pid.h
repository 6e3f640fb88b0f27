/* SPDX-License-Identifier: MIT */
/* pid.h - process numbers, and the process that has one. All: process_lock held, but for
 * pid_give(). */
#ifndef KERNEL_PID_H
#define KERNEL_PID_H

#include <stdint.h>

#define PID_CHAINS	1024		/* a power of 2 */
#define PID_CHAIN_MAX	64		/* processes in one chain: 65,536 in all, more than there
					 * can be tasks */

struct process;

#define INIT_PID 1		/* the first process: its end is the machine's */

extern uint32_t pid_last;		/* that was handed out */

/* The next number, the caller's until pid_give(); or 0: it cannot be had, so try again, with a
 * point between. After as many tries as there are processes, at most, one can. */
uint32_t pid_take(void);
void pid_give(uint32_t pid);

/* From now on, and no more, pid_find() finds @p by its number. */
void pid_publish(struct process *p);
void pid_withdraw(struct process *p);
/* The process that has @pid, or NULL. */
struct process *pid_find(uint32_t pid);
/* For tests: how many processes can be found; none has that many when a chain is linked
 * wrong, or has more than it counts. */
uint32_t pid_check(void);

#endif
