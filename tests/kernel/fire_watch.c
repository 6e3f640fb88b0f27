/* SPDX-License-Identifier: MIT */
/* fire_watch.c - every NMI, #DB, #MC and odd exception while a path is under fire: where, in which
 * state, and on. */
#include <stdarg.h>
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/console/printk.h"
#include "kernel/lib/format.h"
#include "kernel/lib/probe.h"
#include "kernel/sched/thread.h"
#include "kernel/trap/fault.h"
#include "mm/layout.h"
#include "mm/pagetable.h"
#include "tests/kernel/fire.h"

#define FAULTS_PRINTED	5
#define DUMP_COLUMNS	12
#define SERVE_POLLS	1000		/* with interrupts off, so not for long */

struct fire_expect fire_expect;
uint64_t fire_events, fire_total, fire_faults;

static uint64_t awaited;		/* vector of the events that count */
static uint16_t seen[FIRE_TEXT_MAX];	/* by offset; written by whatever CPU is hit */
static bool way[FIRE_TEXT_MAX];		/* where the sweep before saw anything */

void fire_fault(const char *fmt, ...)
{
	char text[160];
	va_list args;

	if (__atomic_fetch_add(&fire_faults, 1, __ATOMIC_RELAXED) >= FAULTS_PRINTED)
		return;
	va_start(args, fmt);
	vsnprintk(text, sizeof(text), fmt, args);
	va_end(args);
	printk_nmi("# fire: %s", text);
}

/* --- the state that an event found ---------------------------------------------- */

static bool in_stack(uint64_t rsp, uint64_t page)
{
	return rsp - page <= PAGE_SIZE;
}

static unsigned seen_stack(const struct trapframe *f)
{
	const struct percpu *pc = this_cpu()->percpu;
	const struct entry_design *d = this_cpu()->design;
	uint32_t cpu = this_cpu()->index;

	if (f->rsp == pc->kernel_cr3 || f->rsp == pc->user_cr3)
		return SEEN_RSP_NONE;		/* it carries the word for CR3 just now */
	if (f->rsp < USER_END)
		return SEEN_RSP_USER;
	if (d->entry_stack && in_stack(f->rsp, cea_page(cpu, d->entry_stack)))
		return SEEN_RSP_ENTRY;
	if (f->rsp - cea_page(cpu, 0) <= CEA_DOOR_PAGE * PAGE_SIZE)
		return SEEN_RSP_IST;
	if (f->rsp >= TRAMPOLINE_AREA_BASE && f->rsp < KERNEL_IMAGE_BASE)
		return SEEN_RSP_TRAMP;
	return SEEN_RSP_KERNEL;
}

static unsigned state_of(const struct trapframe *f, uint64_t cr3, uint64_t gs)
{
	unsigned state = seen_stack(f);

	state |= entry_mixed() && cr3 & PAGE_SIZE ? SEEN_CR3_USER : SEEN_CR3_KERNEL;
	state |= gs == (uint64_t)this_cpu()->percpu ? SEEN_GS_KERNEL : SEEN_GS_USER;
	state |= f->rflags & FLAG_IF ? SEEN_IF_1 : SEEN_IF_0;
	return state | (frame_from_user(f) ? SEEN_USER_MODE : 0);
}

/* What holds wherever an event comes. */
static void check_gs(const struct trapframe *f, uint64_t gs)
{
	uint64_t pc = (uint64_t)this_cpu()->percpu, other = rdmsr(MSR_KERNEL_GS_BASE);

	if (gs != 0 && gs != pc)
		fire_fault("GS base %lx at %p is nobody's", gs, (void *)f->rip);
	if (gs == 0 && other != pc)
		fire_fault("the kernel's GS base is lost at %p: %lx", (void *)f->rip, other);
}

/* Not in tlb_load(), where CR3 is new a moment before the door's words are. */
static void check_root(const struct trapframe *f, uint64_t cr3)
{
	uint64_t root = cr3 & PTE_ADDR & ~(entry_mixed() ? (uint64_t)PAGE_SIZE : 0);

	if (root != (this_cpu()->percpu->kernel_cr3 & PTE_ADDR))
		fire_fault("CR3 %lx at %p is not this CPU's", cr3, (void *)f->rip);
}

/* A program runs: by whatever way it comes in, it must be its own design's. */
static void check_design(const struct trapframe *f)
{
	const struct entry_design *d = current_thread()->design;
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idt;

	__asm__ volatile("sidt %0" : "=m"(idt));
	if (this_cpu()->design != d || idt.base != cea_idt(d->number) ||
	    rdmsr(MSR_LSTAR) != (uint64_t)d->syscall_entry)
		fire_fault("a program of %s at %p has another design's IDT or LSTAR", d->name,
			   (void *)f->rip);
}

static void check_state(const struct trapframe *f, unsigned state, bool in_text)
{
	bool user = state & SEEN_USER_MODE;

	if (user && (!(state & SEEN_GS_USER) || !(state & SEEN_IF_1) ||
		     (this_cpu()->design->split && !(state & SEEN_CR3_USER))))
		fire_fault("user mode at %p with state %x", (void *)f->rip, state);
	if (in_text && (user || state & SEEN_IF_1))
		fire_fault("entry text at %p with state %x", (void *)f->rip, state);
}

static void note(const struct trapframe *f, uint64_t cr3, uint64_t gs)
{
	uint64_t offset = fire_offset(f->rip);
	unsigned state = state_of(f, cr3, gs);

	check_gs(f, gs);
	check_state(f, state, offset < FIRE_TEXT_MAX);
	if (state & SEEN_USER_MODE)
		check_design(f);
	if (offset < FIRE_TEXT_MAX || state & SEEN_USER_MODE)
		check_root(f, cr3);
	if (f->vector != awaited)
		return;			/* it only brought the awaited one about */
	__atomic_fetch_add(&fire_events, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&fire_total, 1, __ATOMIC_RELAXED);
	if (offset < FIRE_TEXT_MAX)
		__atomic_fetch_or(&seen[offset], (uint16_t)state, __ATOMIC_RELAXED);
}

/* --- the events -------------------------------------------------------------- */

static bool mend_iret(struct trapframe *f)
{
	uint64_t *ss = (uint64_t *)f->rsp + 4;

	if (!fire_expect.bad_iret || f->rip != (uint64_t)this_cpu()->design->iret)
		return false;
	fire_expect.bad_iret = false;
	*ss = SEL_USER_DATA;
	return true;
}

static bool from_stub(const struct trapframe *f)
{
	if (f->rip != (uint64_t)fire_stub_back)
		return false;
	if (fire_expect.stub_vector != f->vector + 1)
		fire_fault("vector %lu came through the stub of %ld", f->vector,
			   (int64_t)fire_expect.stub_vector - 1);
	fire_expect.stub_vector = 0;
	fire_expect.debug_ran |= f->vector == VECTOR_DB;
	return true;
}

static bool skip_gp(struct trapframe *f)
{
	if (!frame_from_user(f) || f->vector != VECTOR_GP || f->rip != fire_expect.user_gp)
		return false;
	f->rip += 2;
	return true;
}

static uint32_t asking;			/* CPU + 1 that wants an NMI from whoever serves */
static bool served;			/* somebody does */

static void send_second_nmi(void)
{
	if (!__atomic_load_n(&served, __ATOMIC_SEQ_CST)) {
		lapic_send_nmi(this_cpu()->apic_id);
		return;
	}
	__atomic_store_n(&asking, this_cpu()->index + 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&asking, __ATOMIC_SEQ_CST))
		cpu_pause();
}

void fire_serve(bool last)
{
	uint32_t cpu;

	__atomic_store_n(&served, !last, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < SERVE_POLLS; i++) {
		cpu = __atomic_load_n(&asking, __ATOMIC_SEQ_CST);
		if (cpu) {
			lapic_send_nmi(cpus[cpu - 1].apic_id);
			__atomic_store_n(&asking, 0, __ATOMIC_SEQ_CST);
		}
		cpu_pause();
	}
}

/*
 * An NMI at a breakpoint, held back until then: #DB's handler sends the first one, which comes at
 * once; that one's handler sends a second, which must wait, and returns without IRETQ; so the
 * second comes after #DB's IRETQ, at the breakpoint. Needs no timer that counts instructions. Where
 * another CPU serves, the second one comes from there.
 */
static enum trap_verdict nmi(struct trapframe *f, uint64_t cr3, uint64_t gs)
{
	if (fire_expect.held == HELD_SEND) {
		fire_expect.held = HELD_SENT;
		send_second_nmi();
		return TRAP_TAKEN_HOLD_NMIS;
	}
	note(f, cr3, gs);
	write_cr2(~f->rip);		/* as a page fault in here would: it must not show */
	return TRAP_TAKEN;
}

static void hold_nmi(void)
{
	if (fire_expect.held != HELD_WANTED)
		return;
	fire_expect.held = HELD_SEND;
	lapic_send_nmi(this_cpu()->apic_id);
	while (__atomic_load_n(&fire_expect.held, __ATOMIC_SEQ_CST) == HELD_SEND)
		cpu_pause();
	fire_expect.held = HELD_WANTED;
}

/* Between the clearing of DR7 and its restoring no breakpoint may come. */
static void check_quiet(const struct trapframe *f)
{
	for (const struct ist_entry_site *s = ist_entries_start; s < ist_entries_end; s++)
		if (f->rip >= s->quiet && f->rip < s->tail)
			fire_fault("a breakpoint at %p, where DR7 should be clear", (void *)f->rip);
}

/* RF lets the instruction with the breakpoint run; where the way back has no IRETQ, DR7 is off
 * instead. */
static bool debug(struct trapframe *f, uint64_t cr3, uint64_t gs)
{
	if (!(read_dr6() & DR6_BREAKPOINTS))
		return false;
	f->rflags |= FLAG_RF;
	fire_expect.debug_ran |= f->rip == fire_expect.user_break;
	if (f->rip != fire_expect.user_break) {
		check_quiet(f);
		note(f, cr3, gs);
		hold_nmi();
	}
	return true;
}

static enum trap_verdict watch(struct trapframe *f, uint64_t cr3, uint64_t gs)
{
	bool taken;

	if (f->vector == VECTOR_NMI)
		return nmi(f, cr3, gs);
	if (f->vector == VECTOR_MC && f->rip != (uint64_t)fire_stub_back)
		note(f, cr3, gs);
	if (f->vector == VECTOR_DB && f->rip != (uint64_t)fire_stub_back)
		taken = debug(f, cr3, gs);
	else
		taken = from_stub(f) || f->vector == VECTOR_MC || mend_iret(f) || skip_gp(f);
	return taken ? TRAP_TAKEN : TRAP_NOT_MINE;
}

void fire_watch(uint64_t vector)
{
	fire_expect = (struct fire_expect){ 0 };
	fire_events = fire_total = fire_faults = 0;
	awaited = vector;
	__atomic_store_n(&probe.trap, watch, __ATOMIC_SEQ_CST);
}

void fire_watch_end(void)
{
	__atomic_store_n(&probe.trap, NULL, __ATOMIC_SEQ_CST);
}

/* --- what was seen ------------------------------------------------------------ */

void fire_forget(void)
{
	for (unsigned i = 0; i < FIRE_TEXT_MAX; i++)
		seen[i] = 0;
}

/* QEMU's clock does not move for an instruction that faults, so its timer cannot hit the first
 * one of that fault's stub. */
void fire_keep_way(void)
{
	uint64_t stubs = (uint64_t)((const char *)fire_design->stubs - fire_design->text_start);

	for (unsigned i = 0; i < FIRE_TEXT_MAX; i++)
		way[i] = seen[i];
	for (unsigned v = 0; v < 256; v++)
		way[stubs + v * ENTRY_STUB_SIZE] = true;
}

int64_t fire_next_on_way(uint64_t offset)
{
	for (; offset < FIRE_TEXT_MAX; offset++)
		if (way[offset] && !seen[offset])
			return offset;
	return -ENOENT;
}

void fire_print_seen(void)
{
	unsigned column = 0;

	for (uint64_t at = 0; at < FIRE_TEXT_MAX; at++) {
		if (!seen[at])
			continue;
		printk("%s%lx:%x", column ? " " : "FIRE ", at, seen[at]);
		column = (column + 1) % DUMP_COLUMNS;
		if (!column)
			printk("\n");
	}
	if (column)
		printk("\n");
}
