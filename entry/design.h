/* SPDX-License-Identifier: MIT */
/*
 * design.h - the contract between an entry design and the rest of the kernel.
 *
 * Each process has a design.  It is chosen by pointers: LSTAR, the IDT, RSP0, the
 * door and the hooks below; a switch to a thread of another design loads them.
 * Nothing between the hardware event and the common dispatcher tests which design
 * it is, and no hook is called there.
 */
#ifndef ENTRY_DESIGN_H
#define ENTRY_DESIGN_H

#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/descriptors.h"
#include "mm/layout.h"

struct aspace;
struct cpu;
struct thread;
struct trapframe;

struct entry_design {
	uint32_t number;		/* its place in the registry, from 0 */
	const char *name;		/* entry=<name> */
	const char *summary;		/* one line for the boot log and the reports */
	uint32_t needs;			/* CPU_* features; unmet: refuse to boot, saying which */
	bool split;	/* each address space has a user root beside its kernel root */
	void (*syscall_entry)(void);	/* -> LSTAR */
	const void *syscall_end;	/* end of its assembly: in between RSP may be the user's */
	const void *stubs;		/* -> IDT: 256 stubs, ENTRY_STUB_SIZE apart */
	struct table_register idt;	/* -> IDTR */
	const uint8_t *ist;		/* 256 IST numbers */
	const void *iret;	/* address of the IRETQ to user mode: a fault there is the user's */
	void (*user_return)(struct trapframe *frame);	/* leave for user mode from thread->frame;
							 * on the thread's kernel stack, IRQs
							 * off; no return */
	const char *text_start, *text_end;	/* the design's own entry text, page aligned */
	const char *rodata_start, *rodata_end;	/* and read-only data; may be empty */
	const char *shared_text_start, *shared_text_end;	/* what all designs of its kind */
	const char *shared_rodata_start, *shared_rodata_end;	/* share, likewise */

	uint32_t entry_stack;		/* page of a CPU's block that is its entry stack; 0: none */

	/* All hooks: kernel table, IRQs off, kernel stack; 0 or a negative errno. */
	/* what it needs there */
	int (*setup_cpu)(const struct entry_design *d, struct cpu *cpu);
	/* @cpu enters by @d from now on: RSP0 and door, unless switch_thread() sets them */
	void (*load_cpu)(const struct entry_design *d, struct cpu *cpu);
	int (*map_user_root)(struct aspace *as);	/* fill the user root's kernel half */
	void (*release_user_root)(struct aspace *as);
	int (*setup_thread)(struct thread *t);	/* sets t->frame; e.g. map its trampoline stack */
	void (*retire_thread)(struct thread *t);	/* on the reaper's stack, no lock held,
							 * after RSP0 and door have moved on */
	/* new roots already in the door */
	void (*switch_thread)(struct cpu *cpu, struct thread *next);
};

/* Load @d's IDT on this CPU. */
static inline void idt_load(const struct entry_design *d)
{
	__asm__ volatile("lidt %0" : : "m"(d->idt));
}

#define ENTRY_STUB_SIZE 16
#define ENTRY_DESIGNS_MAX CEA_BLOCK_PAGES	/* their IDTs lie where a CPU's block would */

/* What entry= names, and a spawn takes that names no other; set once in entry_choose(). What runs
 * asks its space, thread or CPU for its design. */
extern const struct entry_design *boot_design;

/* May processes of different designs run in this boot?  Then every space owns a pair of roots, and
 * a page is Global only where that tells nobody anything.  A boot of an unsplit design is that
 * design's alone: its kernel half is Global, as in any kernel without isolation. */
static inline bool entry_mixed(void)
{
	return boot_design->split;
}

/* Why this boot cannot run @d, as a sentence's end; NULL: it can. */
const char *entry_refusal(const struct entry_design *d);

/* Registry order. entry_design_count() designs; at(i) for i below it. */
const struct entry_design *entry_design_at(unsigned i);
unsigned entry_design_count(void);
#define ENTRY_DESIGN_DEFAULT "percpu"	/* what a boot without entry= runs */
const struct entry_design *entry_design_find(const char *name);	/* NULL when there is none */

/* Make @d this boot's design; panics naming the CPU features it lacks. Called once, before
 * cpu_load(). */
void entry_choose(const struct entry_design *d);

/* Of the kernel image a user root shows @d's own entry text and rodata and those that @d shares
 * with its kind, nothing else. Is @va such an address; is it text? Any context. */
bool entry_shows(const struct entry_design *d, uint64_t va);
bool entry_text_holds(const struct entry_design *d, uint64_t va);
/* Those for which entry_shows(), bit n is number n; and is it any design's entry text? */
uint32_t entry_shown_by(uint64_t va);
bool entry_text_of_any(uint64_t va);

/* Where the MOV to CR3 of each flip lies: for the missed-flip oracle and the host's tools.
 * Emitted by the flip macros into .flip_sites, which no user root maps. */
struct flip_site {
	uint64_t address;		/* of the MOV to CR3 */
	uint64_t length;		/* bytes of that instruction */
	char name[32];			/* "<design>.<syscall|idt>.<in|out>" */
};

/* The IST entries of every kind of designs: where breakpoints may come. Emitted by IST_ENTRY; no
 * user root maps it. */
struct ist_entry_site {
	uint64_t kind;			/* IST_NMI.. of arch/x86_64/percpu.h */
	uint64_t start, quiet;		/* in between DR7 is not clear yet */
	uint64_t tail, iret;		/* POP RDI, IRETQ: DR7 is back */
};
extern const struct ist_entry_site ist_entries_start[], ist_entries_end[];

#endif
