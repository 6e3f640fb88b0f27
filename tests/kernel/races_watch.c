/* SPDX-License-Identifier: MIT */
/*
 * races_watch.c - the NMI that stops A in the kernel and holds it until B is done or waits.
 *
 * Under -icount CPUs run in turn, and a PAUSE ends a turn. So between two PAUSEs the holder sees
 * the others stand still, and what it looks at does not change under its eyes; and every run
 * repeats exactly.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/idle.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "kernel/console/panic.h"
#include "kernel/console/printk.h"
#include "kernel/lib/probe.h"
#include "kernel/sched/sched_internal.h"
#include "kernel/trap/fault.h"
#include "tests/kernel/races_internal.h"

#define ROUNDS_MAX	48	/* turns that a part has without coming to an end: it spins */
#define QUIET_ROUNDS	6		/* turns that its CPU idles: it sleeps */
#define ASK_ROUNDS	1000
#define PLACES		64
#define OP_MOVS		0xa4		/* and its like, up to SCAS: with a REP prefix they take
					 * many turns */
#define OP_SCASQ	0xaf
#define OP_XCHG		0x87
#define OP_STORE	0xc7		/* of a constant */

struct part race_parts[RACE_PARTS];
bool race_flags[RACE_OVER + 1];
bool race_holds;
static bool b_is_held;

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

bool race_cpu_quiet(uint64_t cpu)
{
	return cpus[cpu].percpu->current == cpus[cpu].idle &&
	       __atomic_load_n(&sched_idle_cpus, __ATOMIC_SEQ_CST) >> cpu & 1;
}

static bool is_done(const struct part *p)
{
	return *(volatile const bool *)&p->done;
}

/* --- held ------------------------------------------------------------------------ */

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

/* @p runs, and has not come to an end: where is it? It spins with interrupts off, or it would
 * have ended: an NMI asks. We may be between the two writes that send an interrupt, so the first
 * one's register is put back. */
static void ask(const struct part *p)
{
	uint32_t receiver = lapic_base ? lapic_base[LAPIC_ICR_HIGH / 4] : 0;

	answer = 0;
	__atomic_store_n(&asked, p->cpu + 1, __ATOMIC_SEQ_CST);
	lapic_send_nmi(cpus[p->cpu].apic_id);
	if (lapic_base)
		lapic_base[LAPIC_ICR_HIGH / 4] = receiver;
	for (unsigned i = 0; i < ASK_ROUNDS && __atomic_load_n(&asked, __ATOMIC_SEQ_CST); i++)
		cpu_pause();
	note_place(answer);
}

/* Stay here until @p is done, and its CPU has freed the dead, as idle CPUs do; or sleeps, has
 * been stopped in its turn, or spins. Which? */
static uint64_t await(const struct part *p)
{
	unsigned quiet = 0;

	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		cpu_pause();
		if (panic_in_progress())
			return HELD_PANIC;
		if (p == &race_parts[RACE_B] && *(volatile bool *)&b_is_held)
			return HELD_STOPPED;
		quiet = race_cpu_quiet(p->cpu) ? quiet + 1 : 0;
		if (quiet && is_done(p))
			return HELD_DONE;
		if (quiet == QUIET_ROUNDS)
			return HELD_ASLEEP;
	}
	return is_done(p) ? HELD_DONE : HELD_WAITS;
}

static void hold_a(struct part *a)
{
	struct part *b = &race_parts[RACE_B], *c = &race_parts[RACE_C];

	race_holds = true;
	race_flags[RACE_B] = true;
	a->how = await(b);
	if (a->how == HELD_WAITS)
		ask(b);
	if (c->thread && a->how != HELD_PANIC) {
		race_flags[RACE_C] = true;
		await(c);
	}
	race_holds = false;
}

/* Only where B itself is in between. */
static void hold_b(struct part *b)
{
	if (!race_holds)
		return;
	b_is_held = true;
	b->how = await(&race_parts[RACE_A]);
	b_is_held = false;
}

/* --- the NMI ------------------------------------------------------------------- */

static uint64_t class_of(const struct part *p, const struct trapframe *f)
{
	if (runs(p) && *p->phase != PHASE_CALL)
		return *p->phase == PHASE_BEFORE ? LANDED_BEFORE : LANDED_BEHIND;
	if (frame_from_user(f))
		return runs(p) ? LANDED_BEFORE : LANDED_APART;
	if (f->rip == (uint64_t)idle_halt || f->rip == (uint64_t)idle_halted)
		return LANDED_APART;
	return LANDED_IN;
}

static bool is_rex(uint8_t byte)
{
	return (byte & 0xf0) == 0x40;
}

/* Of the REP instruction at @f's RIP. */
static uint64_t iterations_left(const struct trapframe *f)
{
	const uint8_t *at = (const uint8_t *)f->rip;
	uint8_t op = is_rex(at[1]) ? at[2] : at[1];

	if ((at[0] != 0xf3 && at[0] != 0xf2) || op < OP_MOVS || op > OP_SCASQ)
		return 0;
	return f->rcx;
}

/* spin_lock() is an XCHG with memory, spin_unlock() the store of a 0; other stores of constants are
 * none the worse. */
static bool may_lock(const struct trapframe *f)
{
	const uint8_t *at = (const uint8_t *)f->rip;

	at += is_rex(*at);
	return (*at == OP_XCHG || *at == OP_STORE) && at[1] >> 6 != 3;
}

static bool is_behind_pause(const struct trapframe *f)
{
	const uint8_t *at = (const uint8_t *)f->rip;

	return at[-2] == 0xf3 && at[-1] == 0x90;
}

static void land(struct part *p, const struct trapframe *f)
{
	p->armed = false;
	p->class = class_of(p, f);
	p->rip = f->rip;
	if (p->class != LANDED_IN)
		return;
	p->left = iterations_left(f);
	p->locks = may_lock(f);
	p->pauses = is_behind_pause(f);
	if (p == &race_parts[RACE_A])
		hold_a(p);
	else
		hold_b(p);
}

static enum trap_verdict watch(struct trapframe *f, uint64_t cr3, uint64_t gs)
{
	uint32_t cpu = this_cpu()->index;

	(void)cr3, (void)gs;
	if (f->vector != VECTOR_NMI)
		return TRAP_NOT_MINE;
	if (asked == cpu + 1) {
		answer = f->rip;
		__atomic_store_n(&asked, 0, __ATOMIC_SEQ_CST);
		return TRAP_TAKEN;
	}
	for (unsigned n = RACE_A; n <= RACE_B; n++)
		if (race_parts[n].armed && race_parts[n].cpu == cpu)
			land(&race_parts[n], f);
	return TRAP_TAKEN;
}

void race_watch(bool on)
{
	__atomic_store_n(&probe.trap, on ? watch : NULL, __ATOMIC_SEQ_CST);
}

/* --- what was found -------------------------------------------------------------- */

int64_t race_print_symbol(uint64_t address)
{
	uint64_t offset = 0;
	const char *name = ksym_lookup(address, &offset);

	printk("%s+0x%lx", name ? name : "?", offset);
	return 0;
}

int64_t race_print_waits(void)
{
	for (unsigned i = 0; i < PLACES && places[i].count; i++) {
		printk("RACE waits %lx %lu ", places[i].rip, places[i].count);
		race_print_symbol(places[i].rip);
		printk("\n");
		places[i].count = 0;
	}
	return 0;
}
