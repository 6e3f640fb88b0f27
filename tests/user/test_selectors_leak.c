/* SPDX-License-Identifier: MIT */
/*
 * test_selectors_leak.c - what one program loads into a segment register does not show in the next.
 *
 * Children report what they see through their exit code. A "holder" loads all four
 * registers and stays alive, yielding, while "lookers" start, look, and go.
 */
#include "arch/x86_64/x86.h"
#include "bystander.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "user.h"

#define PROGRAM "test_selectors_leak"
#define YIELDS 200

static const uint64_t canary = 0x0123456789abcdef;

static void load_all(uint64_t ds, uint64_t es, uint64_t fs, uint64_t gs)
{
	__asm__ volatile("mov %w0, %%ds; mov %w1, %%es; mov %w2, %%fs; mov %w3, %%gs"
			 : : "r"(ds), "r"(es), "r"(fs), "r"(gs));
}

static uint64_t through_fs(void)
{
	uint64_t v;

	__asm__ volatile("mov %%fs:(%1), %0" : "=r"(v) : "r"(&canary));
	return v;
}

static uint64_t through_gs(void)
{
	uint64_t v;

	__asm__ volatile("mov %%gs:(%1), %0" : "=r"(v) : "r"(&canary));
	return v;
}

/* Both bases 0, too: a neighbour's, or the kernel's, would find another word, or fault. */
static bool clean(void)
{
	return read_selectors() == 0 && through_fs() == canary && through_gs() == canary;
}

/* Loads its own, and sees them and nothing else after every switch. */
static int hold(void)
{
	uint64_t mine = SEL_USER_DATA & ~3ul;
	uint64_t word = ~canary;
	bool good = true;

	load_all(mine, mine + 1, mine + 2, mine + 3);
	sys_set_fs_base((uintptr_t)&word - (uintptr_t)&canary);
	for (int i = 0; i < YIELDS; i++) {
		sys_yield();
		good &= read_selectors() ==
			(mine | (mine + 1) << 16 | (mine + 2) << 32 | (mine + 3) << 48);
		good &= through_fs() == word && through_gs() == canary;
	}
	return good ? TEST_PASS : TEST_FAIL;
}

/* Starts clean and stays so. */
static int look(void)
{
	bool good = clean();

	for (int i = 0; i < 20; i++) {
		sys_yield();
		good &= clean();
	}
	if (!good)
		printf("# selectors seen: 0x%lx\n", read_selectors());
	return good ? TEST_PASS : TEST_FAIL;
}

/* Loads them and ends, or dies, at once. */
static int leave(bool die)
{
	load_all(SEL_USER_DATA, SEL_USER_DATA, SEL_USER_DATA, SEL_USER_DATA);
	sys_set_fs_base(0x1000);
	if (die)
		__asm__ volatile("ud2");
	return TEST_PASS;
}

static void look_from_thread(void *good)
{
	*(bool *)good = clean();
}

/* A thread is no heir of its creator's selectors either. */
static void new_thread(void)
{
	struct user_thread t;
	bool good = false;

	load_all(SEL_USER_DATA, SEL_USER_DATA, SEL_USER_DATA, SEL_USER_DATA);
	CHECK_EQUAL(thread_start(&t, look_from_thread, &good), 0);
	CHECK_EQUAL(thread_finish(&t), 0);
	CHECK(good);
	load_all(0, 0, 0, 0);
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (!strcmp(arg, "child=hold"))
		return hold();
	if (!strcmp(arg, "child=look"))
		return look();
	if (starts_with(arg, "child=leave"))
		return leave(strcmp(arg, "child=leave"));
	CHECK(clean());

	long first = spawn(PROGRAM, "child=hold"), second = spawn(PROGRAM, "child=hold");

	for (int i = 0; i < 5; i++) {
		CHECK_EQUAL(run(PROGRAM, "child=look"), TEST_PASS);
		CHECK_EQUAL(run(PROGRAM, "child=leave"), TEST_PASS);
		CHECK(run(PROGRAM, "child=leave,die") & WAIT_KILLED);
		CHECK_EQUAL(run(PROGRAM, "child=look"), TEST_PASS);
		CHECK(clean());
	}
	CHECK_EQUAL(sys_wait((unsigned long)first), TEST_PASS);
	CHECK_EQUAL(sys_wait((unsigned long)second), TEST_PASS);
	new_thread();
	return test_result();
}
