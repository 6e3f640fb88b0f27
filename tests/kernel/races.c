/* SPDX-License-Identifier: MIT */
/*
 * races.c - the NMI that stops A in the kernel and holds it until B is done or waits; and how the two stand.
 *
 * Under -icount CPUs run in turn, and a PAUSE ends a turn. So between two PAUSEs the holder sees the others stand
 * still, and what it looks at does not change under its eyes; and every run repeats exactly.
 */
#include "tests/kernel/races.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/idle.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "kernel/abi.h"
#include "kernel/fault.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/process.h"
#include "kernel/sched.h"
#include "kernel/sched_internal.h"
#include "mm/pagetable.h"

#define ROUNDS_MAX	48		/* turns that B has for Y without coming to an end: it spins */
#define QUIET_ROUNDS	6		/* turns that B's CPU idles: it sleeps */
#define ASK_ROUNDS	1000
#define PARTS		2
#define PLACES		64
#define OP_MOVS		0xa4		/* and its like, up to SCAS: with a REP prefix they take many turns */
#define OP_SCASQ	0xaf

struct part {
	const struct thread *thread;	/* compared, never followed: it may be gone */
	const volatile uint64_t *phase;	/* through the direct map; there while the thread runs */
	uint32_t cpu;
	bool done;
	int64_t result;
};

static struct part parts[PARTS];
static bool flags[RACE_OVER + 1];
static bool armed, holding;

static struct {
	uint64_t class, rip, left, how, waits;
} landed;

static struct {
	uint64_t rip, count;
} places[PLACES];			/* where B waited */

static uint32_t asked;			/* CPU + 1 that shall say where it is */
static uint64_t answer;

/* --- how they stand ------------------------------------------------------------ */

static bool runs(const struct part *p)
{
	return p->thread && cpus[p->cpu].percpu->current == p->thread;
}

static bool is_quiet(uint64_t cpu)
{
	return cpus[cpu].percpu->current == cpus[cpu].idle &&
	       __atomic_load_n(&sched_idle_cpus, __ATOMIC_SEQ_CST) >> cpu & 1;
}

static int64_t stands(const struct part *p)
{
	return (p->thread ? RACE_READY : 0) | (p->thread && is_quiet(p->cpu) ? RACE_ASLEEP : 0) |
	       (p->done ? RACE_DONE : 0);
}

static int64_t poll(void)
{
	return stands(&parts[RACE_A]) | stands(&parts[RACE_B]) << RACE_OF_B | (landed.class ? RACE_LANDED : 0) |
	       (holding ? RACE_HOLDS : 0);
}

/* --- A is held ------------------------------------------------------------------ */

static void note_place(uint64_t rip)
{
	for (unsigned i = 0; i < PLACES; i++) {
		if (places[i].count && places[i].rip != rip)
			continue;
		places[i].rip = rip;
		places[i].count++;
		return;
	}
}

/* B runs, and has not come to an end: where is it? It spins with interrupts off, or it would have ended: an NMI asks.
 * A may be between the two writes that send an interrupt of its own, so the first one's register is put back. */
static uint64_t ask(const struct part *b)
{
	uint32_t receiver = lapic_base ? lapic_base[LAPIC_ICR_HIGH / 4] : 0;

	answer = 0;
	__atomic_store_n(&asked, b->cpu + 1, __ATOMIC_SEQ_CST);
	lapic_send_nmi(cpus[b->cpu].apic_id);
	if (lapic_base)
		lapic_base[LAPIC_ICR_HIGH / 4] = receiver;
	for (unsigned i = 0; i < ASK_ROUNDS && __atomic_load_n(&asked, __ATOMIC_SEQ_CST); i++)
		cpu_pause();
	return answer;
}

static uint64_t hold(const struct part *b)
{
	unsigned quiet = 0;

	flags[RACE_B] = true;
	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		cpu_pause();
		if (panic_in_progress())
			return HELD_PANIC;
		if (*(volatile const bool *)&b->done)
			return HELD_DONE;
		quiet = is_quiet(b->cpu) ? quiet + 1 : 0;
		if (quiet == QUIET_ROUNDS)
			return HELD_ASLEEP;
	}
	landed.waits = ask(b);
	note_place(landed.waits);
	return HELD_WAITS;
}

/* --- the NMI ------------------------------------------------------------------- */

static uint64_t class_of(const struct trapframe *f)
{
	const struct part *a = &parts[RACE_A];

	if (runs(a) && *a->phase != PHASE_CALL)
		return *a->phase == PHASE_BEFORE ? LANDED_BEFORE : LANDED_BEHIND;
	if (frame_from_user(f))
		return runs(a) ? LANDED_BEFORE : LANDED_APART;
	if (f->rip == (uint64_t)idle_halt || f->rip == (uint64_t)idle_halted)
		return LANDED_APART;
	return LANDED_IN;
}

/* Of the REP instruction at @f's RIP. */
static uint64_t iterations_left(const struct trapframe *f)
{
	const uint8_t *at = (const uint8_t *)f->rip;
	uint8_t op = (at[1] & 0xf0) == 0x40 ? at[2] : at[1];	/* behind a REX prefix */

	if ((at[0] != 0xf3 && at[0] != 0xf2) || op < OP_MOVS || op > OP_SCASQ)
		return 0;
	return f->rcx;
}

static void land(const struct trapframe *f)
{
	armed = false;
	landed.class = class_of(f);
	landed.rip = f->rip;
	if (landed.class != LANDED_IN)
		return;
	landed.left = iterations_left(f);
	holding = true;
	landed.how = hold(&parts[RACE_B]);
	holding = false;
}

static enum trap_verdict watch(struct trapframe *f, uint64_t cr3, uint64_t gs)
{
	(void)cr3, (void)gs;
	if (f->vector != VECTOR_NMI)
		return TRAP_NOT_MINE;
	if (asked == this_cpu()->index + 1) {
		answer = f->rip;
		__atomic_store_n(&asked, 0, __ATOMIC_SEQ_CST);
	} else if (armed && this_cpu()->index == parts[RACE_A].cpu) {
		land(f);
	}
	return TRAP_TAKEN;
}

/* --- what the program asks for ----------------------------------------------------- */

static int64_t begin(void)
{
	if (trap_watch)
		return -EBUSY;
	__atomic_store_n(&trap_watch, watch, __ATOMIC_SEQ_CST);
	return 0;
}

static int64_t new_run(void)
{
	armed = false;
	landed.class = landed.how = landed.left = landed.rip = 0;
	for (unsigned i = 0; i < PARTS; i++)
		parts[i] = (struct part){ .result = RACE_NO_RESULT };
	for (unsigned i = 0; i <= RACE_OVER; i++)
		flags[i] = false;
	return 0;
}

static int64_t take_part(uint64_t arg)
{
	uint64_t part = arg & 7, va = arg & ~7ul, *leaf;
	struct thread *t = current_thread();
	unsigned level;

	leaf = va < USER_END ? pt_lookup(t->process->as->root, va, &level) : NULL;
	if (part >= PARTS || !leaf || level != 1)
		return -EINVAL;
	parts[part].phase = (uint64_t *)((char *)phys_to_virt(*leaf & PTE_ADDR) + va % PAGE_SIZE);
	parts[part].cpu = this_cpu()->index;
	parts[part].thread = t;
	return 0;
}

static int64_t done(unsigned part, uint64_t result)
{
	parts[part].result = (int64_t)result;
	parts[part].done = true;
	return 0;
}

static int64_t look(uint64_t what)
{
	const uint64_t values[] = { landed.class, landed.rip, landed.left, landed.how, landed.waits };

	if (what < sizeof(values) / sizeof(values[0]))
		return (int64_t)values[what];
	return what <= RACE_LOOK_B ? parts[what - RACE_LOOK_A].result : -EINVAL;
}

static int64_t say(uint64_t address)
{
	uint64_t offset = 0;
	const char *name = ksym_lookup(address, &offset);

	printk("%s+0x%lx", name ? name : "?", offset);
	return 0;
}

static int64_t print_waits(void)
{
	for (unsigned i = 0; i < PLACES && places[i].count; i++) {
		printk("RACE waits %lx %lu ", places[i].rip, places[i].count);
		say(places[i].rip);
		printk("\n");
		places[i].count = 0;
	}
	return 0;
}

static int64_t arm(uint64_t ticks)
{
	armed = ticks;
	if (ticks)
		lapic_timer_nmi(ticks);
	else
		lapic_timer_periodic(0);
	return 0;
}

static int64_t interrupt(uint64_t vector)
{
	if (vector != VECTOR_TIMER && vector != VECTOR_LATER && vector != VECTOR_RESCHEDULE)
		return -EINVAL;
	lapic_send_ipi(this_cpu()->apic_id, vector);
	return 0;
}

int64_t races_control(uint64_t op, uint64_t arg)
{
	switch (op) {
	case RACE_BEGIN:
		return begin();
	case RACE_END:
		__atomic_store_n(&trap_watch, NULL, __ATOMIC_SEQ_CST);
		return 0;
	case RACE_NEW:
		return new_run();
	case RACE_PART:
		return take_part(arg);
	case RACE_SET:
	case RACE_IS:
		if (arg > RACE_OVER)
			return -EINVAL;
		flags[arg] |= op == RACE_SET;
		return flags[arg];
	case RACE_ARM:
		return arm(arg);
	case RACE_DONE_A:
	case RACE_DONE_B:
		return done(op - RACE_DONE_A, arg);
	case RACE_POLL:
		return poll();
	case RACE_LOOK:
		return look(arg);
	case RACE_QUIET:
		return arg < cpu_count && is_quiet(arg);
	case RACE_SAY:
		return say(arg);
	case RACE_WAITS:
		return print_waits();
	case RACE_INTERRUPT:
		return interrupt(arg);
	}
	return -EINVAL;
}
