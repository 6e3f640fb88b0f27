/* SPDX-License-Identifier: MIT */
/* fire.c - arms one event, starts what shall be hit, and checks what the event left. */
#include "tests/kernel/fire.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "entry/design.h"
#include "kernel/abi.h"
#include "kernel/lib/probe.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall.h"
#include "kernel/trap/fault.h"
#include "mm/pagetable.h"
#include "tests/probe/abi.h"

/* What must not change: a value for CR2, a breakpoint register set that never hits, DR6 with a bit
 * in it. */
#define CR2_PATTERN	0x0000123456789abcul
#define DR1_PATTERN	0xffffffff81234567ul
#define DR6_PATTERN	(DR6_NOTHING | 1ul << 3)
#define DR7_FIXED	(1ul << 10)
#define DR7_LOCAL_0	(1ul << 0)
#define DR7_LOCAL_1	(1ul << 2)
#define DR7_LOCAL_2	(1ul << 4)
#define SEL_NOBODYS	(0x70 | 3)		/* beyond the GDT */

static uint64_t kind, armed;			/* FIRE_NMI..; its argument */
static bool moves_cr2;
static uint64_t dr7_wanted[MAX_CPUS], dr6_wanted[MAX_CPUS];

static bool breaks(void)
{
	return kind == FIRE_DB || kind == FIRE_HELD;
}

static void set_dr(unsigned n, uint64_t v)
{
	if (n == 0)
		__asm__ volatile("mov %0, %%dr0" : : "r"(v));
	else if (n == 1)
		__asm__ volatile("mov %0, %%dr1" : : "r"(v));
	else
		__asm__ volatile("mov %0, %%dr2" : : "r"(v));
}

/* --- before and after ----------------------------------------------------------- */

static void set_patterns(void)
{
	uint32_t cpu = this_cpu()->index;

	write_cr2(CR2_PATTERN);
	dr6_wanted[cpu] = kind == FIRE_NMI ? DR6_PATTERN : DR6_NOTHING;
	write_dr6(dr6_wanted[cpu]);
	set_dr(1, DR1_PATTERN);
	dr7_wanted[cpu] |= DR7_FIXED | DR7_LOCAL_1;
	write_dr7(dr7_wanted[cpu]);
}

static void expect(const char *what, uint64_t is, uint64_t wanted)
{
	if (is != wanted)
		fire_fault("%s is %lx, was %lx (event %s %lu)", what, is, wanted,
			   kind == FIRE_DB ? "#DB" : "NMI", armed);
}

/* A breakpoint on #DB's own last instructions does not survive its hit. */
static uint64_t dr7_after(uint64_t before)
{
	uint64_t va = fire_address(armed);

	for (const struct ist_entry_site *s = ist_entries_start; s < ist_entries_end; s++)
		if (breaks() && s->kind == IST_DB && fire_events &&
		    (va == s->tail || va == s->iret))
			return before & ~DR7_ENABLE(0);
	return before;
}

static void check_patterns(void)
{
	uint32_t cpu = this_cpu()->index;

	if (!dr7_wanted[cpu])
		return;				/* nothing was started here */
	if (!moves_cr2 && kind != FIRE_MC)
		expect("CR2", read_cr2(), CR2_PATTERN);
	if (!fire_expect.debug_ran)
		expect("DR6", read_dr6(), dr6_wanted[cpu]);
	expect("DR7", read_dr7(), dr7_after(dr7_wanted[cpu]));
	expect("KERNEL_GS_BASE", rdmsr(MSR_KERNEL_GS_BASE), 0);
	expect("GS_BASE", rdmsr(MSR_GS_BASE), (uint64_t)this_cpu()->percpu);
	expect("CR3", read_cr3() & PTE_ADDR, this_cpu()->percpu->kernel_cr3 & PTE_ADDR);
	dr7_wanted[cpu] = 0;
	write_dr7(0);
	write_dr6(DR6_NOTHING);
}

/* --- the event -------------------------------------------------------------- */

void fire_start(void)
{
	uint32_t cpu = this_cpu()->index;

	if (breaks()) {
		set_dr(0, fire_address(armed));
		dr7_wanted[cpu] |= DR7_LOCAL_0;
		fire_expect.held = kind == FIRE_HELD ? HELD_WANTED : HELD_NOT;
	}
	set_patterns();
	if (kind == FIRE_NMI)
		lapic_timer_nmi(armed);
}

static void stop(void)
{
	if (kind == FIRE_NMI)
		lapic_timer_periodic(0);
	check_patterns();
}

/* A breakpoint there would never be hit, or again and again: #DB's own entry, before it has
 * cleared DR7. */
static bool is_exempt(uint64_t offset)
{
	uint64_t stub = (uint64_t)fire_design->stubs + VECTOR_DB * ENTRY_STUB_SIZE;
	uint64_t va = fire_address(offset);

	if (va - stub < ENTRY_STUB_SIZE || fire_is_fill(offset))
		return true;
	for (const struct ist_entry_site *s = ist_entries_start; s < ist_entries_end; s++)
		if (s->kind == IST_DB && va >= s->start && va < s->quiet)
			return true;
	return false;
}

static int64_t arm(uint64_t arg, bool now)
{
	if (breaks() && arg >= fire_text_size())
		return -ENOENT;
	if (breaks() && is_exempt(arg))
		return -EPERM;
	armed = arg;
	fire_events = 0;
	if (now)
		fire_start();
	return 0;
}

int64_t fire_disarm(void)
{
	stop();
	fire_expect = (struct fire_expect){ 0 };
	return fire_faults ? -EINVAL : (int64_t)fire_events;
}

/* --- what is hit -------------------------------------------------------------- */

void fire_arrived(bool start)
{
	if (start)
		fire_start();
}

static int64_t migrate(uint64_t operand)
{
	int64_t err = sys_set_affinity(0, 1ul << (operand & (FIRE_THERE - 1)));

	if (err)
		return err;
	sched_yield();			/* here, and not on the way out: what follows runs there */
	fire_arrived(operand & FIRE_THERE);
	return 0;
}

static int64_t kernel_irq(void)
{
	lapic_send_ipi(this_cpu()->apic_id, VECTOR_SELF_TEST);
	__asm__ volatile("sti; nop; nop; cli" : : : "memory");
	return 0;
}

static int64_t break_at(uint64_t address)
{
	if (address >= USER_END)
		return -EINVAL;
	fire_expect.user_break = address;
	set_dr(2, address);
	dr7_wanted[this_cpu()->index] |= DR7_LOCAL_2;
	fire_start();
	return 0;
}

static int64_t act(uint64_t what, uint64_t operand)
{
	struct trapframe *frame = current_thread()->frame;

	switch (what) {
	case FIRE_DO_IPI:
		lapic_send_ipi(this_cpu()->apic_id, operand);
		return 0;
	case FIRE_DO_KERNEL_IRQ:
		return kernel_irq();
	case FIRE_DO_NMI:
		fire_start();
		lapic_send_nmi(this_cpu()->apic_id);
		return 0;
	case FIRE_DO_WORK:
		this_cpu()->percpu->work |= WORK_RESCHED;
		return 0;
	case FIRE_DO_BAD_IRET:
		frame->ss = SEL_NOBODYS;
		fire_expect.bad_iret = true;
		frame->rflags |= FLAG_RF;
		return 0;
	case FIRE_DO_IRET:
		frame->rflags |= FLAG_RF;	/* SYSRET cannot restore it */
		return 0;
	case FIRE_DO_STUB:
		fire_start();
		return fire_stub(operand);
	case FIRE_DO_SKIP_GP:
		fire_expect.user_gp = operand;
		return 0;
	case FIRE_DO_BREAK:
		return break_at(operand);
	case FIRE_DO_MIGRATE:
		return migrate(operand);
	}
	return -EINVAL;
}

static int64_t send_nmi(uint64_t cpu)
{
	if (cpu >= MAX_CPUS || !cpus[cpu].online)
		return -EINVAL;
	lapic_send_nmi(cpus[cpu].apic_id);
	return 0;
}

static int64_t begin(uint64_t what)
{
	static const uint8_t vectors[] = {
		[FIRE_NOTHING] = VECTOR_SPURIOUS,
		[FIRE_NMI] = VECTOR_NMI,
		[FIRE_DB] = VECTOR_DB,
		[FIRE_MC] = VECTOR_MC,
		[FIRE_HELD] = VECTOR_NMI,
	};

	if (probe.trap)
		return -EBUSY;
	if (what >= sizeof(vectors))
		return -EINVAL;
	kind = what;
	fire_design = current_thread()->design;
	fire_watch(vectors[what]);
	return 0;
}

static int64_t new_path(uint64_t changes_cr2)
{
	moves_cr2 = changes_cr2;
	if (kind != FIRE_MC)		/* the host's come on any path: all of them are printed
					 * at the end */
		fire_forget();
	return 0;
}

static bool neighbour_stays;

int64_t fire_control(uint64_t op, uint64_t arg)
{
	switch (op) {
	case FIRE_BEGIN:
		return begin(arg);
	case FIRE_END:
		fire_watch_end();
		fire_keep_way();
		return 0;
	case FIRE_PATH:
		return new_path(arg);
	case FIRE_ARM:
	case FIRE_ARM_LATER:
		return arm(arg, op == FIRE_ARM);
	case FIRE_STOP:
		stop();
		return 0;
	case FIRE_DISARM:
		return fire_disarm();
	case FIRE_NEXT:
		return fire_next_on_way(arg);
	case FIRE_DUMP:
		fire_print_seen();
		return 0;
	case FIRE_DO:
		return act(arg & 0xff, arg >> 8);
	case FIRE_STUBS:
		return (const char *)fire_design->stubs - fire_design->text_start;
	case FIRE_OWN_TEXT:
		return (int64_t)fire_own_size();
	case FIRE_SEND:
		return send_nmi(arg);
	case FIRE_SERVE:
		fire_serve(arg);
		return 0;
	case FIRE_EVENTS:
		return fire_total;
	case FIRE_NEIGHBOUR:
		if (arg != NEIGHBOUR_ASKS)
			neighbour_stays = arg == NEIGHBOUR_STAYS;
		return neighbour_stays;
	}
	return -EINVAL;
}
