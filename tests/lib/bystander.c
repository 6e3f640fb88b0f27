/* SPDX-License-Identifier: MIT */
/* bystander.c - patterns for every register, and the comparison afterwards. */
#include "arch/x86_64/x86.h"
#include "bystander.h"
#include "print.h"
#include "smp.h"
#include "splitmix.h"
#include "string.h"
#include "user.h"

#define FLAGS_IN_PATTERN 0x244cd5ul	/* CF PF AF ZF SF DF OF NT AC ID: all a program can set,
					 * but TF */
#define GENERAL_FIRST offsetof(struct machine_state, rax)

void bystander_round(const struct machine_state *load, struct machine_state *seen,
		     void (*action)(void), bool avx);
void bystander_spin(void);
extern const uint64_t bystander_layout[4];

static const char *const names[] = {
	"rax",
	"rbx",
	"rcx",
	"rdx",
	"rsi",
	"rdi",
	"rbp",
	"r8",
	"r9",
	"r10",
	"r11",
	"r12",
	"r13",
	"r14",
	"r15",
	"flags",
	"ds, es, fs, gs",
	"word at fs:0",
};
#define NAMES (sizeof(names) / sizeof(names[0]))
_Static_assert(GENERAL_FIRST + NAMES * 8 == offsetof(struct machine_state, fs_word) + 8,
	       "a name for each");

static bool has_avx(void)
{
	uint32_t low, high;

	/* OSXSAVE and AVX, then the kernel's consent in XCR0. */
	if ((cpuid(1, 0).ecx >> 27 & 3) != 3)
		return false;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & 6) == 6;
}

/* Four data selectors by @id: null or the user data segment with any RPL. (IRET may clear nulls 1
 * to 3.) */
static uint64_t choose_selectors(uint64_t id)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t pick = splitmix_mix(id * 4 + i) % 5;

		all |= (pick == 4 ? 0 : (SEL_USER_DATA & ~3ul) + pick) << (16 * i);
	}
	return all;
}

static void load_selectors(uint64_t all)
{
	__asm__ volatile("mov %w0, %%ds\n\t"
			 "mov %w1, %%es\n\t"
			 "mov %w2, %%fs\n\t"
			 "mov %w3, %%gs"
			 : : "r"(all), "r"(all >> 16), "r"(all >> 32), "r"(all >> 48));
}

static void make_pattern(struct machine_state *s, uint64_t key)
{
	uint64_t *word = (uint64_t *)s;

	for (size_t i = 0; i < sizeof(*s) / 8; i++)
		word[i] = splitmix_mix(key + i);
	s->flags = (s->flags & FLAGS_IN_PATTERN) | FLAG_FIXED | FLAG_IF;
}

static bool same_vectors(const struct machine_state *want, const struct machine_state *seen,
			 bool avx)
{
	bool ok = true;

	for (unsigned i = 0; i < VECTOR_REGISTERS; i++) {
		if (memcmp(want->vec[i], seen->vec[i], avx ? 32 : 16)) {
			printf("# bystander: %s%u changed\n", avx ? "ymm" : "xmm", i);
			ok = false;
		}
	}
	return ok;
}

static bool same(const struct machine_state *want, const struct machine_state *seen, bool avx)
{
	const uint64_t *w = &want->rax, *s = &seen->rax;
	bool ok = same_vectors(want, seen, avx);

	for (size_t i = 0; i < NAMES; i++) {
		if (w[i] != s[i]) {
			printf("# bystander: %s was 0x%lx, is 0x%lx\n", names[i], w[i], s[i]);
			ok = false;
		}
	}
	return ok;
}

/* Load @want, do @action, and see what is left of it. The caller says what may change. */
static void do_round(struct bystander *b, struct machine_state *want, struct machine_state *seen,
		     void (*action)(void))
{
	b->round++;
	bystander_round(want, seen, action, b->avx);
	want->selectors = b->selectors;
	want->fs_word = b->fs_word;
}

static void next_pattern(const struct bystander *b, struct machine_state *s)
{
	make_pattern(s, splitmix_mix(b->id) + b->round * 128);
}

bool bystander_spin_round(struct bystander *b)
{
	struct machine_state want, seen;

	next_pattern(b, &want);
	do_round(b, &want, &seen, bystander_spin);
	return same(&want, &seen, b->avx);
}

void bystander_act(struct bystander *b, struct bystander_act *a)
{
	next_pattern(b, &a->want);
	a->want.rax = a->rax;
	a->want.rdi = a->rdi;
	a->want.rsi = a->rsi;
	do_round(b, &a->want, &a->seen, a->action);
}

bool bystander_unchanged(const struct bystander *b, struct bystander_act *a)
{
	if (a->syscall) {
		a->want.rax = a->seen.rax;
		a->want.rcx = a->seen.rcx;	/* SYSCALL's own: return address and flags */
		a->want.r11 = a->seen.r11;
	}
	return same(&a->want, &a->seen, b->avx);
}

bool bystander_call_round(struct bystander *b, uint64_t number, uint64_t arg, long *result)
{
	struct bystander_act a = {
		.action = bystander_syscall, .rax = number, .rdi = arg, .syscall = true
	};

	bystander_act(b, &a);
	*result = (long)a.seen.rax;
	return bystander_unchanged(b, &a);
}

static bool layout_agrees(void)
{
	return bystander_layout[0] == GENERAL_FIRST &&
	       bystander_layout[1] == offsetof(struct machine_state, r15) &&
	       bystander_layout[2] == offsetof(struct machine_state, flags) &&
	       bystander_layout[3] == offsetof(struct machine_state, fs_word);
}

bool bystander_begin(struct bystander *b, uint64_t id)
{
	*b = (struct bystander){ .id = id, .avx = has_avx() };
	b->selectors = choose_selectors(id);
	b->fs_word = splitmix_mix(~id);
	if (!layout_agrees()) {
		printf("# bystander: C and assembly disagree about struct machine_state\n");
		return false;
	}
	load_selectors(b->selectors);	/* before the FS base: loading FS clears it */
	sys_set_fs_base((uintptr_t)&b->fs_word);
	return true;
}

void bystander_end(void)
{
	sys_set_fs_base(0);		/* it pointed into a struct bystander */
}

/* @done, if not NULL, counts the good ones. */
static bool do_rounds(uint64_t id, uint64_t rounds, const bool *stop, uint64_t *done)
{
	struct bystander b;
	bool good = bystander_begin(&b, id);
	long result = 0;

	while (good && b.round < rounds) {
		if (stop && b.round && __atomic_load_n(stop, __ATOMIC_RELAXED))
			break;
		if (b.round & 1)
			good = bystander_call_round(&b, SYS_yield, b.round, &result);
		else
			good = bystander_spin_round(&b);
		if (result) {
			printf("# bystander: yield() returned %ld\n", result);
			good = false;
		}
		if (good && done)
			__atomic_add_fetch(done, 1, __ATOMIC_RELAXED);
	}
	bystander_end();
	return good;
}

bool bystander_rounds(uint64_t id, uint64_t rounds, const bool *stop)
{
	return do_rounds(id, rounds, stop, NULL);
}

static void run_until_stopped(void *arg)
{
	struct bystander_thread *b = arg;

	b->good = do_rounds(b->id, UINT64_MAX, &b->stop, &b->rounds);
	__atomic_store_n(&b->stop, true, __ATOMIC_RELAXED);	/* for bystander_unharmed(): it
								 * has come to its end */
}

int bystander_start(struct bystander_thread *b, uint64_t id)
{
	*b = (struct bystander_thread){ .id = id };
	return thread_start(&b->thread, run_until_stopped, b);
}

bool bystander_unharmed(const struct bystander_thread *b)
{
	uint64_t before = __atomic_load_n(&b->rounds, __ATOMIC_RELAXED);

	/* The round that is under way may have begun before, the next one has not. */
	while (__atomic_load_n(&b->rounds, __ATOMIC_RELAXED) < before + 2) {
		if (__atomic_load_n(&b->stop, __ATOMIC_RELAXED))
			return false;
		smp_wait();
	}
	return true;
}

bool bystander_stop(struct bystander_thread *b)
{
	__atomic_store_n(&b->stop, true, __ATOMIC_RELAXED);
	return thread_finish(&b->thread) == 0 && b->good;
}
