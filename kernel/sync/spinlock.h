/* SPDX-License-Identifier: MIT */
/*
 * spinlock.h - the only lock.
 *
 * Held with interrupts off, for a short time, never while waiting for an
 * acknowledgement from another CPU.  Whoever spins answers other CPUs'
 * calls in the loop, so that a CPU that waits for a lock can always be called.
 */
#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

#include <stdint.h>

struct spinlock {
	uint32_t taken;
};

#ifdef VESTIBULE_HOST
static inline void spin_lock(struct spinlock *l) { l->taken++; }
static inline void spin_lock_checked(struct spinlock *l) { l->taken++; }
static inline void spin_unlock(struct spinlock *l) { l->taken--; }
#else
#include "arch/x86_64/x86.h"
#include "arch/x86_64/xcall.h"
#include "kernel/console/panic.h"

/* IRQs off, as they are in the kernel but in irq_window() and in an idle CPU's halt. */
static inline void spin_lock(struct spinlock *l)
{
	while (__atomic_exchange_n(&l->taken, 1, __ATOMIC_ACQUIRE)) {
		do {
			xcall_serve();
			cpu_pause();
		} while (__atomic_load_n(&l->taken, __ATOMIC_RELAXED));
	}
}

/* One attempt; true when it is ours now. Any IRQ state, NMI handlers included. */
static inline int spin_trylock(struct spinlock *l)
{
	return !__atomic_exchange_n(&l->taken, 1, __ATOMIC_ACQUIRE);
}

static inline void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->taken, 0, __ATOMIC_RELEASE);
}

/* The same in a module with many kinds of callers: panics where one has left IRQs on. */
static inline void spin_lock_checked(struct spinlock *l)
{
	if (__builtin_expect(read_rflags() & FLAG_IF, 0))
		panic("a lock is taken with interrupts on");
	spin_lock(l);
}
#endif

#endif
