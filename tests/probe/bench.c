/* SPDX-License-Identifier: MIT */
/*
 * bench.c - what measuring needs from the kernel.
 *
 * Nothing here runs unless a benchmark asks for it, and only in a boot that has
 * bench= or tests=: the measured paths are the shipped ones.
 */
#include "tests/probe/bench.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "arch/x86_64/xcall.h"
#include "entry/design.h"
#include "entry/dispatch.h"
#include "kernel/abi.h"
#include "kernel/console/printk.h"
#include "kernel/lib/probe.h"
#include "kernel/object/process.h"
#include "kernel/object/reap.h"
#include "kernel/object/tid.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall.h"
#include "kernel/trap/fault.h"
#include "mm/frames.h"
#include "mm/heap.h"
#include "mm/pagetable.h"
#include "mm/reclaim.h"
#include "mm/usercopy.h"
#include "tests/kernel/fire.h"
#include "tests/kernel/invariants.h"
#include "tests/kernel/races.h"
#include "tests/probe/abi.h"
#include "tests/probe/audit.h"
#include "tests/probe/failing.h"
#include "tests/probe/irqsoff.h"
#include "tests/probe/secrets.h"

#define REPORT_NAME_MAX	63
#define REPORT_VALUES_MAX 512
#define TIMER_HZ_MIN	10
#define TIMER_HZ_MAX	100000
#define SELF_IPI_MAX	100000
#define KEEP_OFF_MAX	1000000
#define UD2_BYTES	0x0b0f		/* little endian 0f 0b */

static bool enabled;
static volatile uint64_t self_ipis;

static void self_test_irq(struct trapframe *frame)
{
	(void)frame;
	lapic_eoi();
	self_ipis++;
}

static int64_t report(uint64_t name, uint64_t name_len, uint64_t values, uint64_t n)
{
	char buf[REPORT_NAME_MAX + 1];
	uint64_t value;

	if (!enabled)
		return -EPERM;
	if (!n || n > REPORT_VALUES_MAX || !name_len || name_len > REPORT_NAME_MAX)
		return -EINVAL;
	if (copy_from_user(buf, name, name_len))
		return -EFAULT;
	buf[name_len] = 0;
	for (uint64_t i = 0; i < n; i++)	/* all readable before anything is printed */
		if (copy_from_user(&value, values + i * sizeof(value), sizeof(value)))
			return -EFAULT;
	printk("BENCH %s", buf);
	for (uint64_t i = 0; i < n; i++) {
		if (copy_from_user(&value, values + i * sizeof(value), sizeof(value)))
			return -EFAULT;
		printk(" %lu", value);
		if (i % 16 == 15)	/* goes on, whatever they want: the line is read by a
					 * program */
			sched_point();
	}
	printk("\n");
	return 0;
}

/* In x2APIC mode; the TPR, which is 0 anyway, is the dummy. */
static void self_ipi_loop_msr(uint64_t n, bool send)
{
	uint32_t msr = LAPIC_MSR(send ? LAPIC_ICR_LOW : LAPIC_TPR);
	uint64_t value = send ? (uint64_t)this_cpu()->apic_id << 32 | VECTOR_SELF_TEST : 0;

	for (uint64_t i = 0; i < n; i++) {
		wrmsr(msr, value);
		irq_window();
	}
}

static void self_ipi_loop_mmio(uint64_t n, bool send)
{
	static volatile uint32_t dummy[LAPIC_ICR_HIGH / 4 + 1];
	volatile uint32_t *regs = send ? lapic_base : dummy;
	uint32_t self = this_cpu()->apic_id << 24;

	for (uint64_t i = 0; i < n; i++) {
		regs[LAPIC_ICR_HIGH / 4] = self;
		regs[LAPIC_ICR_LOW / 4] = VECTOR_SELF_TEST;
		irq_window();
	}
}

/*
 * @n interrupts taken in kernel mode, each sent by this CPU to itself and taken in
 * the window that STI opens.  Writing to a dummy instead of the APIC makes the
 * same loop without the interrupt.  Returns TSC ticks for all, or -EAGAIN when one did not arrive
 * in its window.
 */
static int64_t self_ipi_loop(uint64_t n, bool send)
{
	uint64_t start, end;

	self_ipis = 0;
	start = rdtsc();
	if (lapic_base)
		self_ipi_loop_mmio(n, send);
	else
		self_ipi_loop_msr(n, send);
	end = rdtsc();
	if (send && self_ipis != n)
		return -EAGAIN;
	return end - start;
}

static int64_t set_timer(uint64_t hz)
{
	if (hz && (hz < TIMER_HZ_MIN || hz > TIMER_HZ_MAX))
		return -EINVAL;
	sched_set_tick(hz);
	return 0;
}

static void make_homeless(struct thread *t)
{
	t->homes = 0;
}

static void parents_design(const struct entry_design **d)
{
	*d = current_thread()->design;
}

static void next_design(const struct entry_design **d)
{
	static uint32_t last;

	do {
		uint32_t n = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);

		*d = entry_design_at(n % entry_design_count());
	} while (entry_refusal(*d));
}

static int64_t next_split_design(void)
{
	uint32_t own = current_thread()->design->number, count = entry_design_count();

	for (uint32_t n = 1; n < count; n++) {
		const struct entry_design *d = entry_design_at((own + n) % count);

		if (d->split && !entry_refusal(d))
			return d->number;
	}
	return -EINVAL;
}

static int64_t mix(uint64_t how)
{
	switch (how) {
	case MIX_BOOT:
		probe.spawn_design = NULL;
		return 0;
	case MIX_IN_TURN:
		probe.spawn_design = next_design;
		return 0;
	case MIX_PARENT:
		probe.spawn_design = parents_design;
		return 0;
	}
	return -EINVAL;
}

/* A program may have breakpoints in its own half, where the kernel's accesses for it are hit at
 * most, and where an exception of its own enters: a #DB there must be its end, wherever it came
 * from (kernel/trap/fault.c). */
static int64_t set_breakpoint(uint64_t arg)
{
	uint64_t kind = arg & BREAK_ACCESS, address = arg & ~BREAK_ACCESS;
	uint64_t vector = arg - BREAK_STUB;

	if (vector < 256)
		address = (uint64_t)current_thread()->design->stubs + vector * ENTRY_STUB_SIZE;
	else if (address >= USER_END ||
		 (kind != BREAK_EXECUTE && kind != BREAK_WRITE && kind != BREAK_ACCESS))
		return -EINVAL;
	write_dr7(DR7_NOTHING);
	if (!arg)
		return 0;
	write_dr0(address);
	write_dr7(DR7_NOTHING | DR7_GLOBAL_0 | kind >> 48 << DR7_KIND_0);
	return 0;
}

static int64_t keep_off(uint64_t ticks)
{
	if (ticks > KEEP_OFF_MAX)
		return -EINVAL;
	irqsoff_keep(ticks);
	return 0;
}

static int64_t report_exposure(void)
{
	struct exposure e;

	audit_exposure(current_thread()->process->as, &e);
	printk("BENCH exposure.text_pages %lu\n", e.text_pages);
	printk("BENCH exposure.rodata_pages %lu\n", e.rodata_pages);
	printk("BENCH exposure.data_pages %lu\n", e.data_pages);
	printk("BENCH exposure.bytes %lu\n",
	       (e.text_pages + e.rodata_pages + e.data_pages) * PAGE_SIZE);
	printk("BENCH exposure.other_thread_pages %lu\n", e.other_thread_pages);
	return 0;
}

static int64_t report_memory(void)
{
	printk("BENCH memory.per_cpu_bytes %lu\n", this_cpu()->frames_used * PAGE_SIZE);
	return 0;
}

static int64_t audit_all(void)
{
	reap_all();	/* a dead thread's trampoline is gone, as it would be a moment later */
	audit_facts();
	for (struct process *p = process_next(NULL); p; p = process_next(p))
		if (p->as)
			audit_dump(p);
	return 0;
}

/* A long operation that does nothing. Under -icount the PAUSE ends this CPU's turn. */
static int64_t come_to_points(uint64_t n)
{
	while (n--) {
		if (sched_point())
			return -EINTR;
		if (n % 64 == 0)
			cpu_pause();
	}
	return 0;
}

/* A process whose #UD steps over a UD2: the last that asked for it. */
static uint32_t skips_ud2;

static bool skip_ud2(struct trapframe *frame)
{
	uint16_t opcode;

	if (current_thread()->process->pid != skips_ud2)
		return false;
	if (copy_from_user(&opcode, frame->rip, sizeof(opcode)) || opcode != UD2_BYTES)
		return false;
	frame->rip += sizeof(opcode);
	return true;
}

static void user_ud(struct trapframe *frame)
{
	if (!skip_ud2(frame))
		user_exception(frame);
}

static int64_t set_skip_ud2(bool on)
{
	skips_ud2 = on ? current_thread()->process->pid : 0;
	irq_set_handler(VECTOR_UD, on ? user_ud : user_exception);
	return 0;
}

static int64_t control(uint64_t op, uint64_t arg)
{
	if (!enabled)
		return -EPERM;
	if (op >= BENCH_FIRE && op < BENCH_FIRE + FIRE_OPS)
		return fire_control(op - BENCH_FIRE, arg);
	if (op >= BENCH_RACE && op < BENCH_RACE + RACE_OPS)
		return races_control(op - BENCH_RACE, arg);
	switch (op) {
	case BENCH_TIMER_HZ:
		return set_timer(arg);
	case BENCH_SKIP_UD:
		return set_skip_ud2(arg);
	case BENCH_SELF_IPI:
	case BENCH_SELF_IPI_BASE:
		return arg > SELF_IPI_MAX ? -EINVAL : self_ipi_loop(arg, op == BENCH_SELF_IPI);
	case BENCH_FRAMES_USED:
		reap_all();
		return frames_used();
	case BENCH_PT_PAGES:
		reap_all();
		return pt_pages();
	case BENCH_HEAP_OBJECTS:
		reap_all();
		return heap_objects();
	case BENCH_TIDS:
		reap_all();
		return tid_slots_used();
	case BENCH_SHRINK:
		reap_all();
		while (pools_shrink())
			sched_point();
		return 0;
	case BENCH_FAIL_ALLOC:
		return failing_arm(arg & (FAIL_ALL - 1), arg & FAIL_ALL);
	case BENCH_MIGRATE:
		probe.new_thread = arg ? make_homeless : NULL;
		return 0;
	case BENCH_IPIS:
		return __atomic_load_n(&sched_ipis_sent, __ATOMIC_RELAXED) +
		       __atomic_load_n(&xcall_ipis_sent, __ATOMIC_RELAXED);
	case BENCH_CPUS:
		return sched_online_cpus();
	case BENCH_MIX:
		return mix(arg);
	case BENCH_NEXT_DESIGN:
		return next_split_design();
	case BENCH_BREAK:
		return set_breakpoint(arg);
	case BENCH_IRQS_OFF:
		return arg ? irqsoff_begin() : irqsoff_end();
	case BENCH_KEEP_OFF:
		return keep_off(arg);
	case BENCH_EXPOSURE:
		return report_exposure();
	case BENCH_MEMORY:
		return report_memory();
	case BENCH_AUDIT:
		return audit_all();
	case BENCH_SPLIT:
		return current_thread()->design->split;
	case BENCH_PLANT:
		return secrets_plant(arg);
	case BENCH_LOOK:
		return secrets_look(current_thread()->process->as, arg);
	case BENCH_POINTS:
		return come_to_points(arg);
	case BENCH_SCHED_CHECK:
		sched_check();
		return 0;
	case BENCH_CHECK:
		return invariants_control();
	case BENCH_LOOK_ASLEEP:
		return secrets_look_when_asleep(arg);
	}
	return -EINVAL;
}

void bench_init(bool allow)
{
	enabled = allow;
	irq_set_handler(VECTOR_SELF_TEST, self_test_irq);
	probe.report = report;
	probe.control = control;
}
