/* SPDX-License-Identifier: MIT */
/* inject.c - break one thing on purpose, loudly, so that a test can be seen to fail. */
#include "tests/probe/inject.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "entry/dispatch.h"
#include "kernel/console/panic.h"
#include "kernel/console/printk.h"
#include "kernel/lib/format.h"
#include "kernel/lib/probe.h"
#include "kernel/lib/string.h"
#include "kernel/sync/spinlock.h"
#include "mm/aspace.h"
#include "mm/frames.h"
#include "tests/probe/spoil.h"

static char wanted[64];			/* of inject=, "" when nothing was asked for */

static const struct entry_design *wanted_in;	/* of inject=<fault>:<design>, or NULL */

static bool is_wanted(const char *name)
{
	return strcmp(wanted, name) == 0;
}

/* --- a kernel invariant broken ----------------------------------------------- */

static void just_panic(void)
{
	panic("inject=panic: asked for on the command line");
}

static void free_twice(void)
{
	uint64_t pa = frame_alloc();

	frame_free(pa);
	frame_free(pa);
}

/* Down a real kernel stack until its guard page stops it. The bound only keeps the compiler from
 * calling it endless. */
static uint64_t __attribute__((noinline)) recurse(volatile uint64_t depth)
{
	return depth == ~0ul ? 0 : recurse(depth + 1) + depth;
}

static void overflow_stack(void)
{
	recurse(0);
}

static void (*volatile nowhere)(void);	/* never set */

static void call_null(void)
{
	nowhere();
}

static void deadlock(void)
{
	static struct spinlock inject_lock;

	spin_lock(&inject_lock);
	spin_lock(&inject_lock);
}

/* When all have come here, or one was faster. */
static void panic_with_the_others(struct trapframe *frame)
{
	static uint32_t ready;

	(void)frame;
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < cpu_count && !panic_in_progress())
		cpu_pause();
	just_panic();
}

static void interrupt_nobody(void)
{
	for (uint32_t n = 1; n <= 3; n++) {
		lapic_send_ipi(this_cpu()->apic_id, VECTOR_SPURIOUS - 1);
		while (irq_unexpected(VECTOR_SPURIOUS - 1) < n)
			irq_window();
	}
}

static void panic_all(void)
{
	irq_set_handler(VECTOR_SELF_TEST, panic_with_the_others);
	for (uint32_t i = 1; i < cpu_count; i++)
		lapic_send_ipi(cpus[i].apic_id, VECTOR_SELF_TEST);
	panic_with_the_others(NULL);
}

/* --- other CPUs --------------------------------------------------------------- */

static void silence(void *code)
{
	static const uint8_t halt[] = { 0xfa, 0xf4, 0xeb, 0xfd };	/* cli; hlt; jmp to hlt */

	if (!is_wanted("ap-silent"))
		return;
	printk("INJECT: ap-silent\n");
	memcpy(code, halt, sizeof(halt));
}

static void nothing_late(void)
{
}

/* --- the table ---------------------------------------------------------------- */

static const struct fault {
	const char *name;
	bool (*spoil)(struct aspace *as);	/* one of the two */
	void (*late)(void);
} faults[] = {
	{ "audit-extra", spoil_extra, NULL },
	{ "audit-writable", spoil_writable, NULL },
	{ "audit-global", spoil_global, NULL },
	{ "audit-frame", spoil_frame, NULL },
	{ "audit-global-entry-stack", spoil_global_entry_stack, NULL },
	{ "audit-global-trampoline", spoil_global_trampoline, NULL },
	{ "audit-other-text", spoil_other_text, NULL },
	{ "audit-other-idt", spoil_other_idt, NULL },
	{ "audit-other-entry-stack", spoil_other_entry_stack, NULL },
	{ "audit-missing", spoil_missing, NULL },
	{ "panic", NULL, just_panic },
	{ "double-free", NULL, free_twice },
	{ "stack-overflow", NULL, overflow_stack },
	{ "null-call", NULL, call_null },
	{ "stray-irq", NULL, interrupt_nobody },
	{ "deadlock", NULL, deadlock },
	{ "panic-all", NULL, panic_all },
	{ "ap-silent", NULL, nothing_late },
};
#define FAULTS (sizeof(faults) / sizeof(faults[0]))

/* The first space that there is for it, and no other. */
static void spoil_root(struct aspace *as)
{
	for (unsigned i = 0; i < FAULTS; i++) {
		if (!faults[i].spoil || !is_wanted(faults[i].name) ||
		    (wanted_in && wanted_in != as->design) || !faults[i].spoil(as))
			continue;
		printk("INJECT: %s in the user root of process %u, %s\n", wanted, as->pid,
		       as->design->name);
		wanted[0] = '\0';
		return;
	}
}

/* @value is "<fault>" or "<fault>:<design>": the first into @name, of @size bytes; the second, or
 * NULL. */
static const struct entry_design *split_value(const char *value, char *name, size_t size)
{
	size_t n = 0;

	while (value[n] && value[n] != ':' && n < size - 1) {
		name[n] = value[n];
		n++;
	}
	name[n] = '\0';
	return value[n] == ':' ? entry_design_find(value + n + 1) : NULL;
}

void inject_early(const char *value)
{
	if (value[0]) {
		probe.new_root = spoil_root;
		probe.ap_code = silence;
	}
	wanted_in = split_value(value, wanted, sizeof(wanted));
}

void inject_late(void)
{
	for (unsigned i = 0; i < FAULTS; i++) {
		if (faults[i].late && is_wanted(faults[i].name)) {
			printk("INJECT: %s\n", wanted);
			faults[i].late();
		}
	}
}

bool inject_valid(const char *value, char *list, size_t listlen)
{
	char name[sizeof(wanted)];
	const struct entry_design *in = split_value(value, name, sizeof(name));

	for (unsigned i = 0; i < FAULTS; i++)
		if (strcmp(name, faults[i].name) == 0 &&
		    (!value[strlen(name)] || (in && faults[i].spoil)))
			return true;
	if (!list || !listlen)
		return false;
	list[0] = '\0';
	for (unsigned i = 0; i < FAULTS; i++) {
		size_t used = strlen(list);

		snprintk(list + used, listlen - used, "%s%s", used ? ", " : "", faults[i].name);
	}
	return false;
}
