/* SPDX-License-Identifier: MIT */
/*
 * hw.h - what xcall.c, mm/tlb.c and mm/pagetable.c need of the machine: the real one, or the host
 * tests' simulated one.
 *
 * All atomics are sequentially consistent: on x86 that costs nothing for loads, and what writes is
 * a locked instruction anyway.  On the host each is a point where another CPU may step in.
 */
#ifndef ARCH_HW_H
#define ARCH_HW_H

#include <stdbool.h>
#include <stdint.h>

struct percpu;

enum hw_invpcid { INVPCID_ADDRESS, INVPCID_CONTEXT, INVPCID_ALL };

#ifdef VESTIBULE_HOST
void hw_step(void);			/* let time pass: other CPUs, speculation, NMIs */
uint32_t hw_cpu(void);
struct percpu *hw_percpu(void);
void hw_write_cr3(uint64_t word);
void hw_invlpg(uint64_t va);
void hw_invpcid(enum hw_invpcid type, uint64_t pcid, uint64_t va);
bool hw_has_pcid(void);
bool hw_has_invpcid(void);
void hw_enable_pcid(void);
void hw_toggle_global(void);
void hw_send_xcall(uint32_t cpu);
void hw_eoi(void);
void hw_pause(void);

/* Bugs that the host tests switch on, one at a time, to see that they are found. */
enum tlb_bug {
	NO_BUG, SKIP_FLUSH, SKIP_USER_FLUSH, SKIP_GENERATION, SKIP_USER_GENERATION, SKIP_LOAD_FLUSH,
	SKIP_DEFERRED_USER, SKIP_RECYCLED_FLUSH, SKIP_KERNEL_FLUSH, SKIP_IPI, SKIP_WAIT,
	SKIP_OVERFLOW,
	SKIP_GAP, ENTER_LATE, LOOK_EARLY, ARM_EARLY, LEAVE_EARLY, LINK_EARLY,
	SKIP_KERNEL_WAIT, FLUSH_ONE_ID, JOIN_LATE,
	/* What spaces of both kinds side by side, which change, bring. */
	NOTE_UNSPLIT, USER_BY_KERNEL, KEEP_RECYCLED_USER, WORD_OF_UNSPLIT, WORD_OF_BOOT,
	NOTE_BOTH_ROOTS, KIND_OF_BOOT, DROP_MARK, KERNEL_BY_USER, TLB_BUGS,
};
extern enum tlb_bug tlb_seeded_bug;
#define BUG(which) (tlb_seeded_bug == (which))
#else
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"

#define BUG(which) false

static inline void hw_step(void) { }
static inline uint32_t hw_cpu(void) { return this_cpu()->index; }
static inline struct percpu *hw_percpu(void) { return this_cpu()->percpu; }
static inline void hw_write_cr3(uint64_t word) { write_cr3(word); }
static inline void hw_invlpg(uint64_t va) { invlpg(va); }
static inline bool hw_has_invpcid(void) { return cpu_features & CPU_INVPCID; }
static inline void hw_eoi(void) { lapic_eoi(); }
static inline void hw_pause(void) { cpu_pause(); }

/* PCIDs without Global pages exist on no CPU, and hw_toggle_global() would not reach all of
 * them. */
static inline bool hw_has_pcid(void)
{
	return !(~cpu_features & (CPU_PCID | CPU_PGE));
}

/* CR3's low 12 bits must be 0 (SDM vol. 3A, 4.10.1). */
static inline void hw_enable_pcid(void)
{
	write_cr4(read_cr4() | CR4_PCIDE);
}

static inline void hw_invpcid(enum hw_invpcid type, uint64_t pcid, uint64_t va)
{
	const struct { uint64_t pcid, va; } what = { pcid, va };

	__asm__ volatile("invpcid %0, %1" : : "m"(what), "r"((uint64_t)type) : "memory");
}

/* Changing CR4.PGE flushes all entries of all PCIDs, Global ones too (SDM vol. 3A, 4.10.4.1). */
static inline void hw_toggle_global(void)
{
	uint64_t cr4 = read_cr4();

	if (cr4 & CR4_PGE) {
		write_cr4(cr4 & ~CR4_PGE);
		write_cr4(cr4);
	} else {
		write_cr3(read_cr3());	/* there are none, and no PCIDs */
	}
}

static inline void hw_send_xcall(uint32_t cpu)
{
	lapic_send_ipi(cpus[cpu].apic_id, VECTOR_XCALL);
}
#endif

static inline uint64_t atomic_read(const uint64_t *p)
{
	hw_step();
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static inline uint64_t atomic_increment(uint64_t *p)	/* the new value */
{
	hw_step();
	return __atomic_add_fetch(p, 1, __ATOMIC_SEQ_CST);
}

static inline uint64_t atomic_set_bit(uint64_t *p, unsigned bit)	/* the old value */
{
	hw_step();
	return __atomic_fetch_or(p, 1ul << bit, __ATOMIC_SEQ_CST);
}

static inline void atomic_clear_bit(uint64_t *p, unsigned bit)
{
	hw_step();
	__atomic_fetch_and(p, ~(1ul << bit), __ATOMIC_SEQ_CST);
}

static inline uint64_t atomic_take(uint64_t *p)		/* leaves 0 */
{
	hw_step();
	return __atomic_exchange_n(p, 0, __ATOMIC_SEQ_CST);
}

#endif
