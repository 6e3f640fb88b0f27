/* SPDX-License-Identifier: MIT */
/*
 * panic.c - the last words: what broke, the machine's state, and how it got there.
 *
 * Nothing here may trust the state that broke: every address that is followed is
 * looked up in the loaded table first, and a panic inside a panic says one line.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "entry/dispatch.h"
#include "kernel/abi.h"
#include "kernel/console/panic.h"
#include "kernel/console/printk.h"
#include "kernel/console/stop.h"
#include "kernel/lib/format.h"
#include "kernel/object/object.h"
#include "mm/pagetable.h"

#define MESSAGE_MAX	256
#define BACKTRACE_LINES	24
#define WALK_MAX	1024		/* frames: more than the deepest stack holds */
#define USER_ROOT_BIT	(1ul << PAGE_SHIFT)	/* the user root is kernel root + 4096 */

#define BOCHS_POWER_PORT 0xb004
#define QEMU_POWER_PORT	0x604
#define ACPI_SLEEP_ENABLE 0x2000

extern const char boot_stack[], boot_stack_top[];
extern const char early_pml4[];		/* linked where it is loaded: a physical address */

static uint32_t panicking;		/* number of the CPU that was first, + 1 */

bool panic_in_progress(void)
{
	return __atomic_load_n(&panicking, __ATOMIC_RELAXED);
}

void machine_exit(unsigned code)
{
	char line[16];

	snprintk(line, sizeof(line), "EXIT %u\n", code);
	console_last_line(line);
	outb(DEBUG_EXIT_PORT, code);
	outw(BOCHS_POWER_PORT, ACPI_SLEEP_ENABLE);
	outw(QEMU_POWER_PORT, ACPI_SLEEP_ENABLE);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* --- where it was ---------------------------------------------------------- */

/* A word of a stack, when it can be read without a fault or a side effect. */
static bool read_stack(uint64_t va, uint64_t *value)
{
	unsigned level;

	if (va & 7 || va < DIRECT_MAP_BASE)
		return false;
	if (va >= MMIO_AREA_BASE && va < CPU_ENTRY_AREA_BASE)
		return false;
	/* The boot stack is there before the direct map that a look-up needs. */
	if (va < (uint64_t)boot_stack || va >= (uint64_t)boot_stack_top) {
		uint64_t *pte = pt_lookup(read_cr3() & PTE_ADDR, va, &level);

		if (!pte || !(*pte & PTE_P))
			return false;
	}
	*value = *(const uint64_t *)va;
	return true;
}

/* The way up from a place in the code, one return address a step. */
struct walk {
	uint64_t rbp;	/* of the function that is being left; 0 when it is the last */
	uint64_t first;			/* a return address that no frame holds yet, or 0 */
};

static struct walk walk_from(uint64_t rip, uint64_t rsp, uint64_t rbp)
{
	struct walk w = { .rbp = rbp };
	uint64_t offset, value;

	/* No frame was built yet at a function's first instruction, or where no function is. */
	if ((!ksym_lookup(rip, &offset) || !offset) && read_stack(rsp, &value) &&
	    ksym_lookup(value - 1, &offset))
		w.first = value;
	return w;
}

/* The next return address, or 0 where the chain of frames ends. */
static uint64_t walk_next(struct walk *w)
{
	uint64_t value = w->first, offset;

	w->first = 0;
	if (value)
		return value;
	if (!read_stack(w->rbp + 8, &value) || !ksym_lookup(value - 1, &offset))
		return 0;
	if (!read_stack(w->rbp, &w->rbp))
		w->rbp = 0;
	return value;
}

static bool in_entry_text(uint64_t a)
{
	return entry_text_of_any(a);
}

/* --- what is printed ------------------------------------------------------- */

static void print_symbol(const char *what, uint64_t address, uint64_t lookup)
{
	uint64_t offset = 0;
	const char *name = ksym_lookup(lookup, &offset);

	if (name)
		printk("%s%016lx %s+0x%lx\n", what, address, name, offset + (address - lookup));
	else
		printk("%s%016lx (no kernel text)\n", what, address);
}

/* The label of the entry path that was reached last: RIP's, or that of the nearest caller. */
static void print_last_step(uint64_t rip, struct walk w)
{
	uint64_t offset, at = in_entry_text(rip) ? rip : 0, value;
	const char *name;

	for (unsigned i = 0; !at && i < WALK_MAX && (value = walk_next(&w)); i++)
		if (in_entry_text(value - 1))
			at = value - 1;
	name = at ? ksym_lookup(at, &offset) : NULL;
	printk("last step: %s\n", name ? name : "none (not on an entry path)");
}

static void print_caller(uint64_t address, unsigned times)
{
	print_symbol("  ", address, address - 1);
	if (times > 1)
		printk("    (%u times)\n", times);
}

static void print_backtrace(uint64_t rip, struct walk w)
{
	uint64_t value, previous = walk_next(&w);
	unsigned times = 1, lines = 0;

	printk("backtrace:\n");
	print_symbol("  ", rip, rip);
	for (unsigned i = 0; previous && i < WALK_MAX && lines < BACKTRACE_LINES; i++) {
		value = walk_next(&w);
		if (value == previous) {	/* recursion, as a stack overflow has it */
			times++;
			continue;
		}
		print_caller(previous, times);
		previous = value;
		times = 1;
		lines++;
	}
}

static void print_where(uint64_t rip, uint64_t rsp, uint64_t rbp)
{
	struct walk w = walk_from(rip, rsp, rbp);

	print_last_step(rip, w);
	print_backtrace(rip, w);
}

static const char *table_name(uint64_t cr3)
{
	if (!boot_design || cr3 == (uint64_t)early_pml4)
		return "early table";
	if (!entry_mixed())
		return "the one table";
	return cr3 & USER_ROOT_BIT ? "user table" : "kernel table";
}

static bool gs_is_kernel(void)
{
	uint64_t gs = rdmsr(MSR_GS_BASE);

	return gs >= CPU_ENTRY_AREA_BASE && gs < TRAMPOLINE_AREA_BASE;
}

static void print_head(uint64_t cr3)
{
	uint32_t cpu = cpu_number_by_apic_id();
	const struct entry_design *d = cpus[cpu].design ? cpus[cpu].design : boot_design;

	printk("design %s, CPU %u%s\n", d ? d->name : "not chosen yet", cpu,
	       gs_is_kernel() ? "" : " (not set up, or GS not the kernel's)");
	printk("cr2 %016lx  cr3 %016lx (%s)\n", read_cr2(), cr3, table_name(cr3));
}

static void print_frame(const struct trapframe *f)
{
	printk("rax %016lx  rbx %016lx  rcx %016lx\n", f->rax, f->rbx, f->rcx);
	printk("rdx %016lx  rsi %016lx  rdi %016lx\n", f->rdx, f->rsi, f->rdi);
	printk("rbp %016lx  r8  %016lx  r9  %016lx\n", f->rbp, f->r8, f->r9);
	printk("r10 %016lx  r11 %016lx  r12 %016lx\n", f->r10, f->r11, f->r12);
	printk("r13 %016lx  r14 %016lx  r15 %016lx\n", f->r13, f->r14, f->r15);
	printk("rip %016lx  cs  %04lx  rflags %lx\n", f->rip, f->cs, f->rflags);
	printk("rsp %016lx  ss  %04lx  vector %lu  error %lx\n", f->rsp, f->ss, f->vector,
	       f->error);
}

/* --- CPUs that stop because another one panicked ------------------------------ */

static void print_current_thread(void)
{
	/* On a CPU that is being started it is not yet the kernel's. */
	const struct thread *t = gs_is_kernel() ? current_thread() : NULL;

	if (!t || !t->process)
		printk("  thread: %s\n", !t		       ? "none" :
					 t == this_cpu()->idle ? "idle" :
								 "the kernel's");
	else
		printk("  thread: %u of process %u (%s)\n", t->tid, t->process->pid,
		       t->process->name);
}

/* Where a CPU was when it panicked or was stopped. */
struct place {
	uint64_t rip, rsp, rbp, cr3;
	bool user;
};

static struct place place_of(const struct trapframe *f, uint64_t cr3)
{
	return (struct place){ f->rip, f->rsp, f->rbp, cr3, frame_from_user(f) };
}

/* The same, whether it was the NMI that came first or a panic of its own; that one's @message, or
 * NULL. */
static void print_state(const struct place *p, const char *message)
{
	printk("CPU %u: %s in %s mode, cr3 %016lx (%s)\n", cpu_number_by_apic_id(),
	       message ? "panicked too" : "stopped", p->user ? "user" : "kernel", p->cr3,
	       table_name(p->cr3));
	if (message)
		printk("  %s\n", message);
	print_symbol("  rip ", p->rip, p->rip);
	print_current_thread();
	if (!p->user)
		print_last_step(p->rip, walk_from(p->rip, p->rsp, p->rbp));
}

void panic_stop(const struct trapframe *frame, uint64_t cr3)
{
	struct place p = place_of(frame, cr3);

	if (__atomic_load_n(&panicking, __ATOMIC_RELAXED) == cpu_number_by_apic_id() + 1 ||
	    smp_is_stopping())
		return;			/* somebody else's NMI */
	if (smp_wait_for_turn())
		print_state(&p, NULL);
	smp_halt();
}

/* A second panic, on another CPU than the first: its state, as if it had been stopped there, for
 * the NMI may come too late to tell it. */
static void __attribute__((noreturn)) panic_too(const struct place *p, const char *message)
{
	if (!smp_is_stopping() && smp_wait_for_turn())
		print_state(p, message);
	smp_halt();
}

/* --- the panic itself ---------------------------------------------------------- */

/* Interrupts off, the others stopped, the message out. A second panic goes no further. */
static void begin(const struct place *p, const char *fmt, va_list ap)
{
	static bool inside;
	char message[MESSAGE_MAX];
	uint32_t me = cpu_number_by_apic_id() + 1, first = 0;

	cli();
	vsnprintk(message, sizeof(message), fmt, ap);
	if (__atomic_compare_exchange_n(&panicking, &first, me, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE)) {
		smp_stop_others();
		console_fresh_line();
		printk("PANIC: %s\n", message);
		return;
	}
	if (first != me)
		panic_too(p, message);
	if (!inside) {
		inside = true;
		console_fresh_line();
		printk("PANIC inside a panic: %s\n", message);
	}
	machine_exit(EXIT_PANIC);
}

/* A device that the firmware left running may be to blame. */
static void print_unexpected(void)
{
	for (unsigned v = VECTOR_EXCEPTIONS; v < 256; v++)
		if (irq_unexpected(v))
			printk("interrupt %u, which has no handler, came %u times\n", v,
			       irq_unexpected(v));
}

static void __attribute__((noreturn)) end(void)
{
	print_unexpected();
	smp_hear_others();
	machine_exit(EXIT_PANIC);
}

void panic(const char *fmt, ...)
{
	const uint64_t *frame = __builtin_frame_address(0);
	struct place caller = { frame[1], (uint64_t)(frame + 2), frame[0], read_cr3(), false };
	uint64_t rflags = read_rflags(), here;
	va_list ap;

	va_start(ap, fmt);
	begin(&caller, fmt, ap);
	va_end(ap);

	/* The caller's other registers are the compiler's by now. */
	print_head(caller.cr3);
	printk("rip %016lx  rsp %016lx  rbp %016lx  rflags %lx\n", caller.rip, caller.rsp,
	       caller.rbp, rflags);
	__asm__("lea (%%rip), %0" : "=r"(here));
	print_where(here, (uint64_t)frame, (uint64_t)frame);
	end();
}

void panic_frame(const struct trapframe *frame, uint64_t cr3, const char *fmt, ...)
{
	struct place p = place_of(frame, cr3);
	va_list ap;

	va_start(ap, fmt);
	begin(&p, fmt, ap);
	va_end(ap);

	print_head(cr3);
	print_frame(frame);
	print_where(frame->rip, frame->rsp, frame->rbp);
	end();
}
