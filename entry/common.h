/* SPDX-License-Identifier: MIT */
/* common.h - what the designs' own C files share: the fixed members, and hooks that several
 * need. */
#ifndef ENTRY_COMMON_H
#define ENTRY_COMMON_H

#include "entry/design.h"

/* Numbers, names and summaries come from the one list. */
enum {
#define ENTRY_DESIGN(id, name, summary) ENTRY_NUMBER_##id,
#include "entry/registry.h"
#undef ENTRY_DESIGN
};
#define ENTRY_DESIGN(id, name, summary)						\
	static const char entry_name_##id[] __attribute__((unused)) = name;	\
	static const char entry_summary_##id[] __attribute__((unused)) = summary;
#include "entry/registry.h"
#undef ENTRY_DESIGN

/* The symbols of <design>.asm and of the linker's generated piece list. @id is the design's C
 * identifier. */
#define DECLARE_DESIGN(id)							\
	extern const struct entry_design entry_##id;				\
	extern const char id##_idt_entry[], id##_stubs[];			\
	extern const char id##_iret[] __asm__(#id "_idt_entry.iret");		\
	extern void id##_syscall_entry(void), id##_user_return(struct trapframe *); \
	DECLARE_PIECE(id)

/* A piece of entry text and rodata: a design's own, or one that a kind of designs shares. */
#define DECLARE_PIECE(id)							\
	extern const char entry_##id##_text_start[], entry_##id##_text_end[],	\
		entry_##id##_rodata_start[], entry_##id##_rodata_end[]

DECLARE_PIECE(shared_one);
DECLARE_PIECE(shared_two);

/* @kind: the piece that its stubs lead to, shared_one or shared_two (entry/shared_one.asm). */
#define DESIGN_COMMON(id, is_split, kind)					\
	.number = ENTRY_NUMBER_##id, .name = entry_name_##id,			\
	.summary = entry_summary_##id,						\
	.split = (is_split), .syscall_entry = id##_syscall_entry, .syscall_end = id##_idt_entry, \
	.stubs = id##_stubs,							\
	.idt = { IDT_LIMIT, CEA_IDT + (uint64_t)ENTRY_NUMBER_##id * PAGE_SIZE },	\
	.ist = entry_ist, .iret = id##_iret, .user_return = id##_user_return,	\
	.text_start = entry_##id##_text_start, .text_end = entry_##id##_text_end, \
	.rodata_start = entry_##id##_rodata_start, .rodata_end = entry_##id##_rodata_end, \
	.shared_text_start = entry_##kind##_text_start,				\
	.shared_text_end = entry_##kind##_text_end,				\
	.shared_rodata_start = entry_##kind##_rodata_start,			\
	.shared_rodata_end = entry_##kind##_rodata_end,				\
	.map_user_root = shared_user_root, .release_user_root = no_user_root_release

/* IST numbers by vector: NMI, #DB, #DF, #MC. */
extern const uint8_t entry_ist[256];

/* Hooks for designs with nothing of their own to do there. */
int no_cpu_setup(const struct entry_design *d, struct cpu *cpu);
void no_cpu_load(const struct entry_design *d, struct cpu *cpu);
void no_user_root_release(struct aspace *as);
void no_thread_retire(struct thread *t);
/* A user root with what its design's template shows and nothing more. No-op in an unsplit
 * design. */
int shared_user_root(struct aspace *as);

/* A per-CPU entry stack, page d->entry_stack of the CPU's block: allocate and map it, 0 or -ENOMEM;
 * point RSP0 and the door at it. */
int entry_stack_setup_cpu(const struct entry_design *d, struct cpu *cpu);
void entry_stack_load_cpu(const struct entry_design *d, struct cpu *cpu);
/* The frame lies at the top of the thread's kernel stack. */
int kernel_stack_setup_thread(struct thread *t);
void entry_stack_switch_thread(struct cpu *cpu, struct thread *next);

#endif
