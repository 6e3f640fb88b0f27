/* SPDX-License-Identifier: MIT */
/*
 * secrets.h - secrets planted where no program may read, for a reader that ignores the U/S bit.
 *
 * Each planting has fresh 64-bit secrets, and the plain value stands in its place and nowhere else:
 * the kernel keeps keys, multiplies on the way into memory, and compares word * SECRET_INVERSE with
 * the key when it searches. All: kernel table, IRQs off, on a user thread's kernel stack; only in
 * boots that measure or test.
 */
#ifndef KERNEL_SECRETS_H
#define KERNEL_SECRETS_H

#include <stdint.h>

struct aspace;

/* What every later planting's secrets are made from: boots with one seed plant the same. Boot
 * time. */
void secrets_init(uint64_t seed);

/* Plant new ones in .data, the heap, a kernel stack, this CPU's private page and at
 * @user_address of the current process. Returns the key of SECRET_REGISTERS, -EINVAL (address
 * not a multiple of 8), -EFAULT, -ENOMEM. */
int64_t secrets_plant(uint64_t user_address);

/* Which secrets of the set @wanted does Meltdown read through @as's user root? A set, or
 * -EINVAL. */
int64_t secrets_look(struct aspace *as, uint64_t wanted);

/* Wait until thread @tid of this process sleeps, then look before anyone else enters: this
 * process's set, and the parent process's << SECRETS. -ESRCH: no such thread; -EAGAIN: it does
 * not go to sleep; -ECHILD: no parent. */
int64_t secrets_look_when_asleep(uint64_t tid);

#endif
