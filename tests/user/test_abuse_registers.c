/* SPDX-License-Identifier: MIT */
/*
 * test_abuse_registers.c - a stopped thread is given registers that no program could load, and
 * resumed.
 *
 * What a selector, an instruction pointer or a flag may do to the way to user mode can be tried
 * only through thread_set_registers(): a program's own MOV, POPF or IRET is checked by the
 * processor first.  The victim is stopped once in a system call, whose frame says what SYSCALL
 * says, and once where an interrupt found it. Each offence takes its own process with it and nobody
 * else.
 */
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "bystander.h"
#include "mm/layout.h"
#include "print.h"
#include "smp.h"
#include "string.h"
#include "test.h"
#include "user.h"

#define PROGRAM "test_abuse_registers"
#define RANDOM 40
#define CANONICAL_END 0x800000000000ul

#define GP KILLED_BY(VECTOR_GP)
#define PF KILLED_BY(VECTOR_PF)
/* IRETQ on a selector: #GP, or #NP or #SS when a descriptor is not present. */
#define BAD_SELECTOR (GP | KILLED_BY(VECTOR_NP) | KILLED_BY(VECTOR_SS))
#define DB KILLED_BY(VECTOR_DB)

enum field { RIP, RSP, RFLAGS, CS, SS, FS_BASE };

/* What becomes of a victim that has the value in the field; the flags are added to its own. */
static const struct hazard {
	const char *name;
	enum field field;
	uint64_t value, outcomes;
} hazards[] = {
	{ "rip 2^47", RIP, CANONICAL_END, GP },
	{ "rip 2^63", RIP, 1ul << 63, GP },
	{ "rip below the upper half", RIP, 0xffff7fffffffffff, GP },
	{ "rip with bit 62", RIP, 0x4000000000401000, GP },
	{ "rip null", RIP, 0, PF },
	{ "rip at the end", RIP, USER_END, PF },
	{ "rip last canonical", RIP, CANONICAL_END - 1, PF },
	{ "rip upper half", RIP, 0xffff800000000000, PF },
	{ "rip direct map", RIP, DIRECT_MAP_BASE + KERNEL_LOAD_PA, PF },
	{ "rip kernel text", RIP, KERNEL_IMAGE_BASE + KERNEL_LOAD_PA, PF },
	{ "rip entry area", RIP, CPU_ENTRY_AREA_BASE, PF },
	{ "rip trampolines", RIP, TRAMPOLINE_AREA_BASE, PF },
	{ "rip last byte", RIP, ~0ul, PF },

	/* The first thing that the victim does there is to push. */
	{ "rsp null", RSP, 0, GP | PF | KILLED_BY(VECTOR_SS) },
	{ "rsp 2^47", RSP, CANONICAL_END + 64, GP | KILLED_BY(VECTOR_SS) },
	{ "rsp 2^63", RSP, 1ul << 63, GP | KILLED_BY(VECTOR_SS) },
	{ "rsp kernel stack", RSP, KSTACK_AREA_BASE + 0x2000, PF },
	{ "rsp door", RSP, CEA_FIRST_BLOCK + CEA_DOOR_PAGE * PAGE_SIZE + 64, PF },
	{ "rsp trampolines", RSP, TRAMPOLINE_AREA_BASE + 0x2000, PF },
	{ "rsp kernel data", RSP, KERNEL_IMAGE_BASE + KERNEL_LOAD_PA + 0x100000, PF },

	{ "cs null", CS, 3, BAD_SELECTOR },
	{ "cs kernel code", CS, SEL_KERNEL_CODE | 3, BAD_SELECTOR },
	{ "cs kernel data", CS, SEL_KERNEL_DATA | 3, BAD_SELECTOR },
	{ "cs empty slot", CS, SEL_SYSRET_BASE, BAD_SELECTOR },
	{ "cs user data", CS, SEL_USER_DATA, BAD_SELECTOR },
	{ "cs tss", CS, SEL_TSS | 3, BAD_SELECTOR },
	{ "cs tss, upper half", CS, (SEL_TSS + 8) | 3, BAD_SELECTOR },
	{ "cs beyond the gdt", CS, (SEL_TSS + 16) | 3, BAD_SELECTOR },
	{ "cs ldt", CS, SEL_USER_CODE | 4, BAD_SELECTOR },
	{ "cs ldt null", CS, 7, BAD_SELECTOR },
	{ "cs last", CS, 0xffff, BAD_SELECTOR },

	{ "ss null", SS, 0, BAD_SELECTOR },
	{ "ss null with rpl", SS, 3, BAD_SELECTOR },
	{ "ss kernel data", SS, SEL_KERNEL_DATA, BAD_SELECTOR },
	{ "ss kernel data, rpl 3", SS, SEL_KERNEL_DATA | 3, BAD_SELECTOR },
	{ "ss user data, rpl 0", SS, SEL_USER_DATA & ~3ul, BAD_SELECTOR },
	{ "ss user data, rpl 1", SS, (SEL_USER_DATA & ~3ul) | 1, BAD_SELECTOR },
	{ "ss user data, rpl 2", SS, (SEL_USER_DATA & ~3ul) | 2, BAD_SELECTOR },
	{ "ss user code", SS, SEL_USER_CODE, BAD_SELECTOR },
	{ "ss empty slot", SS, SEL_SYSRET_BASE, BAD_SELECTOR },
	{ "ss tss", SS, SEL_TSS | 3, BAD_SELECTOR },
	{ "ss ldt", SS, SEL_USER_DATA | 4, BAD_SELECTOR },
	{ "ss beyond the gdt", SS, (SEL_TSS + 16) | 3, BAD_SELECTOR },
	{ "ss last", SS, 0xffff, BAD_SELECTOR },

	{ "flags tf", RFLAGS, FLAG_TF, DB },
	{ "flags tf rf", RFLAGS, FLAG_TF | FLAG_RF, DB },
	{ "flags tf and the rest", RFLAGS, FLAGS_USER, DB },
	{ "flags rf", RFLAGS, FLAG_RF, SURVIVES },
	{ "flags nt", RFLAGS, FLAG_NT, SURVIVES },
	{ "flags ac", RFLAGS, FLAG_AC, SURVIVES },
	{ "flags df", RFLAGS, FLAG_DF, SURVIVES },
	{ "flags all a program may", RFLAGS, FLAGS_USER & ~FLAG_TF, SURVIVES },
	{ "flags all", RFLAGS, ~FLAG_TF, SURVIVES },

	{ "fs base last", FS_BASE, USER_END - 1, SURVIVES },
};
#define HAZARDS (sizeof(hazards) / sizeof(hazards[0]))

static uint64_t *field_of(struct thread_registers *r, enum field field)
{
	uint64_t *const fields[] = {
		[RIP] = &r->rip, [RSP] = &r->rsp, [RFLAGS] = &r->rflags,
		[CS] = &r->cs,	 [SS] = &r->ss,	  [FS_BASE] = &r->fs_base,
	};

	return fields[field];
}

/* --- in the child ------------------------------------------------------------------ */

static struct user_thread victim;
static volatile uint64_t turns;

static void call_for_ever(void *unused)
{
	(void)unused;
	for (;;) {
		turns++;
		sys_yield();
	}
}

static void sleep_for_ever(void *unused)
{
	(void)unused;
	for (;;) {
		turns++;
		sys_sleep(0);
	}
}

static void spin(void *unused)
{
	(void)unused;
	for (;;) {
		turns++;
		smp_relax();
	}
}

static void (*const places[])(void *) = { call_for_ever, sleep_for_ever, spin };
#define PLACES (sizeof(places) / sizeof(places[0]))

/* Where a victim goes on: looks at its flags, makes yield() (2), looks again, and tells. */
__asm__(".pushsection .text\n"
	"go_on:	pushfq\n"
	"	mov	(%rsp), %rdi\n"
	"	mov	$2, %eax\n"
	"	syscall\n"
	"	pushfq\n"
	"	pop	%rsi\n"
	"	push	$0x202\n"
	"	popfq\n"
	"	and	$-16, %rsp\n"
	"	call	arrived\n"
	".popsection");
extern const char go_on[];
_Static_assert(SYS_yield == 2, "go_on has it as a number");

/* @flags right after the way to user mode, @later after a system call. The process ends here when
 * all is well. */
void arrived(uint64_t flags, uint64_t later);
void arrived(uint64_t flags, uint64_t later)
{
	bool good = CHECK_EQUAL(flags & FLAG_IOPL, 0);

	/* RF lasts for one instruction, and PUSHF stores it as 0. */
	good &= CHECK_EQUAL(flags & ~FLAGS_USER, FLAG_IF | FLAG_FIXED);
	good &= CHECK_EQUAL(later, flags);
	sys_exit(good ? TEST_PASS : TEST_FAIL);
}

static void stop_victim(unsigned place, struct thread_registers *r)
{
	CHECK_EQUAL(thread_start(&victim, places[place], NULL), 0);
	while (turns < 3 && places[place] != sleep_for_ever)
		smp_wait();
	while (!turns)
		smp_wait();
	CHECK_EQUAL(sys_thread_stop((unsigned long)victim.tid), 0);
	CHECK_EQUAL(sys_thread_get_registers((unsigned long)victim.tid, (uintptr_t)r), 0);
}

static void change_and_resume(struct thread_registers *r)
{
	unsigned long tid = (unsigned long)victim.tid;

	CHECK_EQUAL(sys_thread_set_registers(tid, (uintptr_t)r), 0);
	CHECK_EQUAL(sys_thread_resume(tid), 0);
	CHECK_EQUAL(sys_thread_join(tid), 0);	/* it ends the process, one way or another */
}

static void commit(unsigned place, const struct hazard *h)
{
	struct thread_registers r;

	stop_victim(place, &r);
	r.rip = (uintptr_t)go_on;
	if (h->field == RFLAGS)
		r.rflags |= h->value;
	else
		*field_of(&r, h->field) = h->value;
	change_and_resume(&r);
}

/* Everything at once, drawn from @seed. CS is wrong, or it would have to fault somewhere else. */
static void commit_random(unsigned place, uint64_t seed)
{
	struct thread_registers r;

	stop_victim(place, &r);
	for (uint64_t *word = &r.rax; word <= &r.r15; word++)
		*word = test_random(&seed);
	r.rip = test_random(&seed) >> (seed & 31);
	r.rsp = test_random(&seed) >> (seed & 31);
	r.rflags = test_random(&seed);
	r.ss = test_random(&seed) & 0xffff;
	r.cs = (test_random(&seed) & 0xffff) | 3;
	if (r.cs == SEL_USER_CODE)
		r.cs = 3;
	r.fs_base = test_random(&seed) % USER_END;
	change_and_resume(&r);
}

/* "child=<h|r>,<place>,<number>" */
static int child(const char *what)
{
	unsigned place = (unsigned)(what[2] - '0') % PLACES;
	uint64_t number = parse_number(what + 4);

	if (*what == 'r')
		commit_random(place, number);
	else
		commit(place, &hazards[number % HAZARDS]);
	return TEST_FAIL;
}

/* --- what is refused ---------------------------------------------------------------- */

static void refuse(enum field field, uint64_t value)
{
	struct thread_registers r, after;
	unsigned long tid = (unsigned long)victim.tid;

	CHECK_EQUAL(sys_thread_get_registers(tid, (uintptr_t)&r), 0);
	r.rax ^= 1;
	*field_of(&r, field) = value;
	if (!CHECK_EQUAL(sys_thread_set_registers(tid, (uintptr_t)&r), -EINVAL))
		printf("# field %d, value 0x%lx\n", (int)field, value);
	CHECK_EQUAL(sys_thread_get_registers(tid, (uintptr_t)&after), 0);
	CHECK_EQUAL(after.rax, r.rax ^ 1);	/* all or nothing */
}

static void refusals(void)
{
	static const uint64_t fs[] = {
		USER_END, USER_END + 1, CANONICAL_END - 1, CANONICAL_END, 1ul << 63,
		0xffff7fffffffffff,
		0xffff800000000000, CPU_ENTRY_AREA_BASE, KERNEL_IMAGE_BASE, ~0ul,
	};
	struct thread_registers r;

	stop_victim(0, &r);
	/* Any CS that would not leave ring 3 to itself: the kernel's own above all. */
	for (uint64_t cs = 0; cs < 0x48; cs++)
		if ((cs & 3) != 3)
			refuse(CS, cs);
	refuse(CS, 0x10000 | SEL_USER_CODE);
	refuse(CS, 1ul << 63 | SEL_USER_CODE);
	refuse(SS, 0x10000 | SEL_USER_DATA);
	refuse(SS, ~0ul);
	for (size_t i = 0; i < sizeof(fs) / sizeof(fs[0]); i++)
		refuse(FS_BASE, fs[i]);
	CHECK_EQUAL(sys_thread_get_registers((unsigned long)victim.tid, (uintptr_t)&r), 0);
	r.rip = (uintptr_t)sys_thread_exit;
	change_and_resume(&r);
}

int main(const char *arg, size_t len)
{
	struct bystander_thread witness;
	uint64_t random = test_seed(arg);
	char name[40];

	(void)len;
	if (starts_with(arg, "child="))
		return child(arg + strlen("child="));
	CHECK_EQUAL(bystander_start(&witness, 7), 0);
	refusals();
	for (unsigned i = 0; i < HAZARDS * PLACES; i++) {
		snprintf(name, sizeof(name), "h,%u,%u", i % (unsigned)PLACES, i / (unsigned)PLACES);
		if (!test_child(PROGRAM, name, hazards[i / PLACES].outcomes))
			printf("# that was '%s'\n", hazards[i / PLACES].name);
		CHECK(bystander_unharmed(&witness));
	}
	for (unsigned i = 0; i < RANDOM; i++) {
		snprintf(name, sizeof(name), "r,%u,%lu", i % (unsigned)PLACES,
			 test_random(&random));
		test_child(PROGRAM, name, BAD_SELECTOR);
		CHECK(bystander_unharmed(&witness));
	}
	CHECK(bystander_stop(&witness));
	return test_result();
}
