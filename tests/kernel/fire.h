/* SPDX-License-Identifier: MIT */
/*
 * fire.h - an entry path under fire: an NMI, a #DB or a #MC at a chosen instruction, and what it
 * found.
 *
 * The program tests/programs/fire does something that enters the kernel, again and again; this part
 * has the event come at the next instruction each time, notes where it came and in which state, and
 * checks afterwards that nothing has changed.  Only with tests=; nothing here runs on a measured
 * path.
 */
#ifndef TESTS_FIRE_H
#define TESTS_FIRE_H

#include <stdbool.h>
#include <stdint.h>

struct trapframe;

/* bench_control(BENCH_FIRE + @op, @arg) of kernel/abi.h. Kernel table, IRQs off. */
int64_t fire_control(uint64_t op, uint64_t arg);

/* The armed event comes on this CPU from now on; the thread has moved to this CPU, and it may
 * start here; nothing more comes, and how many did. A tool that traces a path takes what is
 * between these. */
void fire_start(void) __attribute__((noinline));
void fire_arrived(bool start) __attribute__((noinline));
int64_t fire_disarm(void) __attribute__((noinline));

/* What was seen at an instruction of the design's entry text; a set, over all events there. */
#define SEEN_CR3_USER	(1u << 0)
#define SEEN_CR3_KERNEL	(1u << 1)
#define SEEN_GS_USER	(1u << 2)
#define SEEN_GS_KERNEL	(1u << 3)
#define SEEN_RSP_USER	(1u << 4)
#define SEEN_RSP_ENTRY	(1u << 5)
#define SEEN_RSP_TRAMP	(1u << 6)
#define SEEN_RSP_KERNEL	(1u << 7)
#define SEEN_RSP_IST	(1u << 8)
#define SEEN_RSP_NONE	(1u << 9)
#define SEEN_IF_0	(1u << 10)
#define SEEN_IF_1	(1u << 11)
#define SEEN_USER_MODE	(1u << 12)	/* never in entry text */

/* --- fire_text.c: instructions by number -------------------------------------- */

/* An instruction's offset: the design's own entry text, then what it shares with its kind. */
#define FIRE_TEXT_MAX	(4 * PAGE_SIZE)
extern const struct entry_design *fire_design;	/* of the program that asks for the events */
uint64_t fire_text_size(void);
uint64_t fire_address(uint64_t offset);		/* below fire_text_size() */
uint64_t fire_offset(uint64_t rip);		/* FIRE_TEXT_MAX where no entry text lies */
uint64_t fire_own_size(void);			/* the first offset of what is shared */
bool fire_is_fill(uint64_t offset);		/* after the last instruction on a piece's page? */

/* --- fire_watch.c: the events ------------------------------------------------- */

/* Take the kernel's traps from now on, and count those of @vector; or give them back. */
void fire_watch(uint64_t vector);
void fire_watch_end(void);
void fire_forget(void);				/* nothing seen on this path */
void fire_keep_way(void);	/* what was seen until now is the way of FIRE_NEXT */
int64_t fire_next_on_way(uint64_t offset);
void fire_print_seen(void);

/* FIRE_HELD: a breakpoint turns into an NMI at the same place. */
enum fire_held { HELD_NOT, HELD_WANTED, HELD_SEND, HELD_SENT };

/* Send the NMIs that other CPUs' breakpoints ask for, for a moment; from the first call to the
 * @last, FIRE_HELD's come from here. */
void fire_serve(bool last);

/* What the watch does with events of the test's own making; 0: there is none. */
extern struct fire_expect {
	uint64_t user_gp;	/* RIP of the user's two-byte instruction that may #GP */
	uint64_t user_break;			/* RIP of the user's breakpoint */
	enum fire_held held;
	bool bad_iret;				/* the next faulting IRETQ is mended */
	bool debug_ran;				/* #DB's handler did, and left DR6 as it does */
	uint64_t stub_vector;			/* + 1: a stub was entered by fire_enter_stub() */
} fire_expect;

extern uint64_t fire_events, fire_total;	/* since FIRE_ARM; since FIRE_BEGIN */
extern uint64_t fire_faults;			/* what was wrong, and printed, since FIRE_BEGIN */

/* Note and print a fault; the first few of them. Any context. */
void fire_fault(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* --- fire_stub.c, fire_stub.asm ------------------------------------------------- */

/* Enter @vector's stub as the CPU would from kernel mode, on its IST stack where it has one,
 * with every register loaded, and check them all. Not for NMI: they are not masked. 0 or
 * -EINVAL. */
int64_t fire_stub(uint64_t vector);
extern const char fire_stub_back[];		/* where such an event returns to */

#endif
