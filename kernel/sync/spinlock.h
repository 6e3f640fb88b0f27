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
static inline uint64_t spin_lock_irqsave(struct spinlock *l) { l->taken++; return 0; }
static inline void spin_unlock_irqrestore(struct spinlock *l, uint64_t flags)
{
	l->taken--;
	(void)flags;
}
static inline void spin_lock(struct spinlock *l) { l->taken++; }
static inline void spin_unlock(struct spinlock *l) { l->taken--; }
#else
#include "arch/x86_64/x86.h"
#include "arch/x86_64/xcall.h"

/* IRQs already off. */
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

static inline uint64_t spin_lock_irqsave(struct spinlock *l)
{
	uint64_t flags = irq_save();

	spin_lock(l);
	return flags;
}

static inline void spin_unlock_irqrestore(struct spinlock *l, uint64_t flags)
{
	spin_unlock(l);
	irq_restore(flags);
}
#endif

#endif
