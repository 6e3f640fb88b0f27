/* SPDX-License-Identifier: MIT */
/* paths.c - every way into the kernel and out again. */
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "designs.h"
#include "fire.h"
#include "print.h"
#include "smp.h"
#include "thread.h"
#include "tests/probe/abi.h"

#define PAGE 4096

void fire_ud2(void);
void fire_gp(void);
void fire_touch(void);
void fire_nop(void);

static void act_alone(struct shot *s)
{
	bystander_act(s->b, &s->act);
}

/* A system call as the action. @prepare of most paths. */
static bool call(struct shot *s, uint64_t number, uint64_t rdi, uint64_t rsi)
{
	s->act = (struct bystander_act){ .action = bystander_syscall, .syscall = true };
	s->act.rax = number;
	s->act.rdi = rdi;
	s->act.rsi = rsi;
	return true;
}

static bool call_fire(struct shot *s, uint64_t what, uint64_t operand)
{
	return call(s, SYS_bench_control, BENCH_FIRE + FIRE_DO, fire_do(what, operand));
}

static bool returned_zero(struct shot *s)
{
	return s->act.seen.rax == 0;
}

static bool prepare_null(struct shot *s)
{
	return call(s, SYS_null, 0, 0);
}

static bool prepare_iret(struct shot *s)
{
	return call_fire(s, FIRE_DO_IRET, 0);
}

static bool prepare_bad_iret(struct shot *s)
{
	return call_fire(s, FIRE_DO_BAD_IRET, 0);
}

static bool prepare_work(struct shot *s)
{
	return call_fire(s, FIRE_DO_WORK, 0);
}

static bool prepare_irq(struct shot *s)
{
	return call_fire(s, FIRE_DO_IPI, VECTOR_SELF_TEST);
}

static bool prepare_irq_work(struct shot *s)
{
	return call_fire(s, FIRE_DO_IPI, VECTOR_RESCHEDULE);
}

static bool prepare_kernel_irq(struct shot *s)
{
	return call_fire(s, FIRE_DO_KERNEL_IRQ, 0);
}

static bool prepare_stub(struct shot *s)
{
	return call_fire(s, FIRE_DO_STUB, s->operand);
}

static bool prepare_nmi(struct shot *s)
{
	return call_fire(s, FIRE_DO_NMI, 0);
}

/* --- exceptions --------------------------------------------------------------- */

static bool prepare_ud(struct shot *s)
{
	s->act = (struct bystander_act){ .action = fire_ud2 };
	return sys_bench_control(BENCH_SKIP_UD, 1) == 0;
}

static bool prepare_gp(struct shot *s)
{
	s->act = (struct bystander_act){ .action = fire_gp };
	return fire(FIRE_DO, fire_do(FIRE_DO_SKIP_GP, (uintptr_t)fire_gp)) == 0;
}

static bool prepare_page_fault(struct shot *s)
{
	static void *page;

	if (page)
		sys_unmap((uintptr_t)page, PAGE);
	page = map_memory(PAGE, PROT_WRITE);
	s->act = (struct bystander_act){ .action = fire_touch, .rdi = (uintptr_t)page };
	return page != NULL;
}

static bool page_is_written(struct shot *s)
{
	const uint64_t *page = (const uint64_t *)s->act.rdi;

	for (unsigned i = 1; i < PAGE / sizeof(*page); i++)
		if (page[i])
			return false;
	return page[0] == s->act.rdi;
}

/* A breakpoint of the program's own, so that #DB's entry and exit are what is hit. */
static bool prepare_debug(struct shot *s)
{
	s->act = (struct bystander_act){ .action = fire_nop };
	return true;
}

static void act_debug(struct shot *s)
{
	s->good = fire(FIRE_DO, fire_do(FIRE_DO_BREAK, (uintptr_t)fire_nop)) == 0;
	act_alone(s);
}

/* --- threads ------------------------------------------------------------------ */

static bool prepare_sleep(struct shot *s)
{
	return call(s, SYS_sleep, 0, 0);
}

/* Enters on CPU 0, leaves from CPU 1; and back, when nothing comes any more on CPU 1. */
static void migrate(struct shot *s, uint64_t start_there)
{
	unsigned there = smp_cpu(1);

	call_fire(s, FIRE_DO_MIGRATE, there | start_there);
	act_alone(s);
	s->good = sys_cpu() == there;
	if (start_there)
		fire(FIRE_STOP, 0);
	fire(FIRE_DO, fire_do(FIRE_DO_MIGRATE, smp_cpu(0)));
}

static void act_migrate_in(struct shot *s)
{
	migrate(s, 0);
}

static void act_migrate_out(struct shot *s)
{
	migrate(s, FIRE_THERE);
}

static volatile long start_value, seen_value;

static void note_value(void *arg)
{
	seen_value = *(volatile long *)arg;
}

static bool prepare_thread(struct shot *s)
{
	start_value++;
	s->act.action = NULL;
	return true;
}

static void act_first_return(struct shot *s)
{
	struct user_thread t;

	s->good = !thread_start(&t, note_value, (void *)&start_value) && !thread_finish(&t);
}

static bool value_arrived(struct shot *s)
{
	(void)s;
	return seen_value == start_value;
}

static volatile uint64_t exit_shot;

static void arm_and_end(void *arg)
{
	(void)arg;
	seen_value = start_value;
	fire(FIRE_ARM, exit_shot);
	sys_thread_exit();
}

static void act_exit(struct shot *s)
{
	struct user_thread t;

	exit_shot = s->value;
	s->good = !thread_start(&t, arm_and_end, NULL) && !thread_finish(&t);
}

/* --- processes ---------------------------------------------------------------- */

/* The CPU changes to the neighbour's design, and back. */
static bool prepare_switch(struct shot *s)
{
	return neighbour((unsigned)s->operand) && call(s, SYS_yield, 0, 0);
}

/* --- the table ---------------------------------------------------------------- */

const struct path paths[] = {
	{ "syscall_sysret", prepare_null, act_alone, returned_zero, 0, 0 },
	{ "syscall_iret", prepare_iret, act_alone, returned_zero, 0, 0 },
	{ "syscall_work", prepare_work, act_alone, returned_zero, 0, 0 },
	{ "syscall_sleep", prepare_sleep, act_alone, returned_zero, PARTNER, 0 },
	{ "syscall_migrate_in", NULL, act_migrate_in, returned_zero, PAIR, 0 },
	{ "syscall_migrate_out", NULL, act_migrate_out, returned_zero, LATE | PAIR, 0 },
	{ "switch_design", prepare_switch, act_alone, returned_zero, NEIGHBOUR, DESIGN_COUNT },
	{ "irq_user", prepare_irq, act_alone, returned_zero, 0, 0 },
	{ "irq_work", prepare_irq_work, act_alone, returned_zero, 0, 0 },
	{ "irq_kernel", prepare_kernel_irq, act_alone, returned_zero, 0, 0 },
	{ "exception", prepare_ud, act_alone, NULL, 0, 0 },
	{ "exception_error", prepare_gp, act_alone, NULL, 0, 0 },
	{ "page_fault", prepare_page_fault, act_alone, page_is_written, CHANGES_CR2, 0 },
	{ "bad_iret", prepare_bad_iret, act_alone, returned_zero, 0, 0 },
	{ "first_return", prepare_thread, act_first_return, value_arrived, CHANGES_CR2, 0 },
	{ "thread_exit", prepare_thread, act_exit, value_arrived, LATE, 0 },
	{ "debug_entry", prepare_debug, act_debug, NULL, LATE | EVERY_BYTE, 0 },
	{ "nmi_entry", prepare_nmi, act_alone, returned_zero, LATE | DB_ONLY | EVERY_BYTE, 0 },
	{ "stubs", prepare_stub, act_alone, returned_zero, LATE, 256 },
};
const unsigned path_count = sizeof(paths) / sizeof(paths[0]);

bool path_takes(const struct path *path, uint64_t operand)
{
	if (path->flags & NEIGHBOUR)
		return operand != (uint64_t)sys_design();
	return !path->operands || operand != VECTOR_NMI;
}

bool path_is_first(uint64_t operand)
{
	return operand == VECTOR_DE || operand == VECTOR_DB || operand == VECTOR_DF ||
	       operand == VECTOR_MC || operand == VECTOR_EXCEPTIONS;
}
