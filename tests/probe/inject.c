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
#include "mm/pagetable.h"
#include "mm/physmap.h"

static char wanted[64];			/* of inject=, "" when nothing was asked for */

static bool is_wanted(const char *name)
{
	return strcmp(wanted, name) == 0;
}

/* --- a user root spoilt ------------------------------------------------------ */

static uint64_t *leaf_of(const struct aspace *as, uint64_t va)
{
	unsigned level;
	uint64_t *e = pt_lookup(aspace_user_cr3(as), va, &level);

	if (!e)
		panic("inject: 0x%lx is not mapped in the user root", va);
	return e;
}

/* A page of kernel data where no page belongs. */
static void add_extra(struct aspace *as)
{
	uint64_t va = TRAMPOLINE_AREA_BASE + 0x40000000ul;
	uint64_t pa = ((uint64_t)&wanted - KERNEL_IMAGE_BASE) & PTE_ADDR;

	if (aspace_map_private(as, va, pa, PTE_NX))
		panic("inject: no memory for the extra page");
}

/* The same bytes in another frame: everything works, and the page is wrong all the same. */
static void move_frame(struct aspace *as)
{
	uint64_t *e = leaf_of(as, (uint64_t)as->design->text_start), copy = frame_alloc();

	if (!copy)
		panic("inject: no memory for the wrong frame");
	memcpy(phys_to_virt(copy), phys_to_virt(*e & PTE_ADDR), PAGE_SIZE);
	*e = (*e & ~PTE_ADDR) | copy;
}

static bool first_not_global(void *ctx, uint64_t va, uint64_t e, uint64_t access, unsigned level)
{
	(void)access, (void)level;
	if (e & PTE_G)
		return true;
	*(uint64_t *)ctx = va;
	return false;
}

/* The first page that must not be Global: a private one, or where there is none, one of the
 * program's. */
static void make_global(struct aspace *as)
{
	uint64_t va = 0, root = aspace_user_cr3(as);

	pt_walk(root, DIRECT_MAP_BASE, ~0ul, first_not_global, &va);
	if (!va)
		pt_walk(root, 0, USER_END, first_not_global, &va);
	*leaf_of(as, va) |= PTE_G;
}

static void make_writable(struct aspace *as)
{
	*leaf_of(as, (uint64_t)as->design->text_start) |= PTE_W;
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
	void (*spoil)(struct aspace *as);	/* one of the two */
	void (*late)(void);
} faults[] = {
	{ "audit-extra", add_extra, NULL },
	{ "audit-writable", make_writable, NULL },
	{ "audit-global", make_global, NULL },
	{ "audit-frame", move_frame, NULL },
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

static void spoil_root(struct aspace *as)
{
	for (unsigned i = 0; i < FAULTS; i++) {
		if (faults[i].spoil && is_wanted(faults[i].name)) {
			printk("INJECT: %s in the user root of process %u\n", wanted, as->pid);
			faults[i].spoil(as);
			wanted[0] = '\0';	/* the first space only */
			return;
		}
	}
}

void inject_early(const char *value)
{
	if (value[0]) {
		probe.new_root = spoil_root;
		probe.ap_code = silence;
	}
	snprintk(wanted, sizeof(wanted), "%s", value);
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
	for (unsigned i = 0; i < FAULTS; i++)
		if (strcmp(value, faults[i].name) == 0)
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
