/* SPDX-License-Identifier: MIT */
/* abi.h - what the probe and the programs that test and measure share: operations of
 * bench_control(). */
#ifndef TESTS_PROBE_ABI_H
#define TESTS_PROBE_ABI_H

/* bench_control(): operations, allowed only when the boot has bench= or tests=. */
#define BENCH_TIMER_HZ		0	/* arg: tick rate of this CPU's timer, 10..100000; 0
					 * stops it */
#define BENCH_SKIP_UD		1	/* arg: 1: #UD in this process skips the 2-byte UD2, 0:
					 * kills */
#define BENCH_SELF_IPI		2	/* arg: n self-IPIs taken in kernel mode; returns
					 * instructions (TSC ticks) of the loop with them */
#define BENCH_SELF_IPI_BASE	3	/* arg: n; the same loop without the IPI */
#define BENCH_FRAMES_USED	4	/* frames in use now */
#define BENCH_PT_PAGES		5	/* page-table pages in use now */
#define BENCH_EXPOSURE		6	/* print the exposure.* figures of the calling process's
					 * user root */
#define BENCH_MEMORY		7	/* print the memory.* figures that only the kernel knows */

#define BENCH_AUDIT		8	/* print every process's supervisor pages, for the host
					 * to compare */
#define BENCH_SPLIT		9	/* 1: user mode runs on a table of its own, 0: on the
					 * kernel's */
#define BENCH_PLANT		10	/* arg: a writable address, multiple of 8: plant new
					 * secrets there and in the kernel; returns the key of
					 * the one for registers, not negative */
#define BENCH_LOOK		11	/* arg: a set of secrets; returns those that the caller's
					 * user root shows */
#define BENCH_LOOK_ASLEEP	12	/* arg: tid: when that thread sleeps and before anyone
					 * else enters the kernel, look for all that were
					 * planted; returns the set for this process's root, and
					 * that of the parent process's root << SECRETS */

/* The secrets of BENCH_PLANT; a set has bit n for secret n. The plain value is key *
 * SECRET_MULTIPLIER: keys may lie about, and whoever holds a plain value needs it only between
 * the multiplication and its place. */
#define SECRET_DATA		0	/* kernel .data */
#define SECRET_HEAP		1	/* an object of the kernel's heap */
#define SECRET_KSTACK		2	/* a kernel stack */
#define SECRET_PERCPU		3	/* percpu's private page */
#define SECRET_PROCESS		4	/* a program's own memory */
#define SECRET_REGISTERS	5	/* for a thread's registers; the program puts it there */
#define SECRET_NOWHERE		6	/* planted nowhere: whoever finds it finds anything */
#define SECRETS			7
#define SECRET_MULTIPLIER	0x9e3779b97f4a7c15ul
#define SECRET_INVERSE		0xf1de83e19937733dul	/* product 1 mod 2^64 */

#define BENCH_MIGRATE		13	/* arg: 1: of threads that start from now on, each yield
					 * and wake moves them to their next CPU */
#define BENCH_IPIS		14	/* inter-processor interrupts sent so far, all CPUs */
#define BENCH_CPUS		15	/* mask of the CPUs that run threads */
#define BENCH_BREAK		16	/* arg: address | BREAK_*: the calling CPU's one
					 * breakpoint, until the next such call there, whichever
					 * program runs; 0: none */

#define BENCH_HEAP_OBJECTS	17	/* objects of the kernel's heap in use now */
#define BENCH_TIDS		18	/* thread ids that name a thread, or one that nobody has
					 * joined */
#define BENCH_FAIL_ALLOC	19	/* arg: n: the n-th allocation for the calling process
					 * from now on fails, with FAIL_ALL all after it too; 0:
					 * none; returns how many have failed */
#define FAIL_ALL		(1ul << 32)
#define BENCH_IRQS_OFF		20	/* arg: 1: watch this CPU from now on, its tick stops; 0:
					 * no more, and the timer stops; returns the longest
					 * stretch with interrupts off in TSC ticks
					 * (tests/probe/irqsoff.h) */
#define BENCH_KEEP_OFF		21	/* arg: TSC ticks, at most a million: keep interrupts off
					 * for so long */

#define BENCH_SHRINK		22	/* free the dead, and give back what the kernel's pools
					 * do not use; returns 0 */

/* BENCH_BREAK: on what. R/W and LEN of DR7 (SDM vol. 3B, 17.2.4); data is 4 aligned bytes. */
#define BREAK_EXECUTE		(0x0ul << 48)
#define BREAK_WRITE		(0xdul << 48)
#define BREAK_ACCESS		(0xful << 48)
/* With a vector in place of an address: the first instruction of that vector's entry. */
#define BREAK_STUB		(1ul << 56)

#define BENCH_MIX		23	/* arg: what a spawn takes that names no entry design */
#define MIX_BOOT		0	/* the boot's, as usual */
#define MIX_IN_TURN		1	/* the one after the last spawn's that this boot can run */
#define MIX_PARENT		2	/* its parent's */
#define BENCH_NEXT_DESIGN	24	/* after the caller's in the registry, round and round:
					 * the next that isolates and that this boot can run;
					 * -EINVAL: none */
#define BENCH_POINTS		26	/* arg: so many points (sched_point()) in one call;
					 * -EINTR: cut short */
#define BENCH_SCHED_CHECK	27	/* panic where a rule of the scheduler's queues is broken */

#define BENCH_CHECK		28	/* all CPUs stand still, and what the kernel keeps is
					 * looked at: 0, or -EINVAL, and the console says what is
					 * wrong (tests/kernel/invariants.h) */

/* An entry path under fire (tests/kernel/fire.h): BENCH_FIRE + one of these. One test program at
 * a time, all timers stopped. "Here": on the calling CPU. */
#define BENCH_FIRE		32
#define FIRE_BEGIN		0	/* arg: FIRE_NOTHING .. FIRE_HELD, what comes from now
					 * on; or -EBUSY */
#define FIRE_END		1
#define FIRE_PATH		2	/* arg: not 0: the path changes CR2. Forget what was
					 * seen, start a new path */
#define FIRE_ARM		3	/* arg: FIRE_NMI: instructions until it comes; DB, HELD:
					 * offset in entry text: -ENOENT when beyond it, -EPERM
					 * where a #DB may not come */
#define FIRE_ARM_LATER		4	/* the same, but FIRE_DO starts it, where and when its
					 * action says */
#define FIRE_STOP		5	/* nothing more comes here; check this CPU's state */
#define FIRE_DISARM		6	/* the same; how many came since FIRE_ARM, -EINVAL: see
					 * console */
#define FIRE_NEXT		7	/* arg: offset; the first not below it that was seen
					 * between the last BEGIN and END, and not since; or
					 * -ENOENT */
#define FIRE_DUMP		8	/* print what was seen: FIRE lines of offset:state, see
					 * tests/kernel/fire.h */
#define FIRE_DO			9	/* arg: one of FIRE_DO_*, operand << 8 */
#define FIRE_EVENTS		10	/* how many came since FIRE_BEGIN */
#define FIRE_STUBS		11	/* offset of the stubs in entry text */
#define FIRE_SEND		12	/* arg: CPU; an NMI to it, now; -EINVAL when it is not
					 * online */
#define FIRE_SERVE		13	/* arg: 1: for the last time; send FIRE_HELD's NMIs from
					 * here, for a moment */
#define FIRE_OWN_TEXT		14	/* offset after the design's own text, of what is shared */
#define FIRE_NEIGHBOUR		15	/* arg: NEIGHBOUR_*: what a neighbour asks, and is told */
#define FIRE_OPS		16

#define NEIGHBOUR_ASKS		0	/* 1: it is to stay */
#define NEIGHBOUR_STAYS		1
#define NEIGHBOUR_GOES		2

#define FIRE_NOTHING		0	/* the undisturbed run */
#define FIRE_NMI		1	/* from the local APIC's timer; exact under -icount only */
#define FIRE_DB			2	/* from an execute breakpoint */
#define FIRE_MC			3	/* from the host; only counted here */
#define FIRE_HELD		4	/* an NMI, from an execute breakpoint: exact everywhere */

#define FIRE_DO_IPI		0	/* operand: vector; a self-IPI that waits for user mode */
#define FIRE_DO_KERNEL_IRQ	1	/* a self-IPI taken in the kernel */
#define FIRE_DO_WORK		2	/* leave with percpu->work set: the scheduler is asked on
					 * the way out */
#define FIRE_DO_IRET		3	/* leave the system call by IRETQ */
#define FIRE_DO_BAD_IRET	4	/* leave by an IRETQ that faults, and is mended where it
					 * stands */
#define FIRE_DO_STUB		5	/* operand: vector; enter its stub in kernel mode, all
					 * registers checked */
#define FIRE_DO_SKIP_GP		6	/* operand: address of a two-byte user instruction: its
					 * #GP steps over it */
#define FIRE_DO_BREAK		7	/* operand: user address: an execute breakpoint there,
					 * stepped over when hit */
#define FIRE_DO_MIGRATE		8	/* operand: CPU, or CPU | FIRE_THERE: what is armed
					 * starts on arrival */
#define FIRE_THERE		64
#define FIRE_DO_NMI		9	/* an NMI to itself, in the kernel */

/* Two system calls at once, one of them held at an instruction: BENCH_RACE + RACE_* of
 * tests/kernel/races.h. */
#define BENCH_RACE		64

#endif
