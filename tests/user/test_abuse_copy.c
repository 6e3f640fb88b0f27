/* SPDX-License-Identifier: MIT */
/*
 * test_abuse_copy.c - page faults inside the kernel's copies: resolved, and not.
 *
 * A system call copies from and to pages that do not exist yet, so that the kernel's own MOVS
 * faults, once for each page.  Then what must go wrong does: the copy crosses into a page that
 * cannot be had, a page is read-only, there is no memory left.  The call says EFAULT, whatever was
 * resolved before it stays, and the process goes on.
 */
#include "arch/x86_64/trapframe.h"
#include "bystander.h"
#include "mm/layout.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "thread.h"
#include "user.h"

#define PROGRAM "test_abuse_copy"
#define SIZE 64			/* what copy64 copies */
#define HOARD (1ul << 40)	/* more than any machine here has */

static struct bystander_thread witness;

/* Fresh demand-zero pages, none of them touched. */
static unsigned long fresh(size_t pages, unsigned prot)
{
	unsigned long at = (uintptr_t)map_memory(pages * PAGE_SIZE, prot);

	CHECK(at);
	return at;
}

/* The end of a fresh page after which nothing is mapped. */
static unsigned long fresh_edge(void)
{
	unsigned long low = fresh(1, PROT_WRITE), high = fresh(1, PROT_WRITE);

	CHECK(low + PAGE_SIZE <= high);
	CHECK_EQUAL(sys_unmap(high, PAGE_SIZE), 0);
	return low + PAGE_SIZE;
}

static bool all_are(unsigned long at, size_t n, char value)
{
	const char *p = (const char *)at;

	while (n && *p == value) {
		p++;
		n--;
	}
	return !n;
}

static void fill(unsigned long at, size_t n, char value)
{
	memset((void *)at, value, n);
}

static void copy(unsigned long from, unsigned long to, long result)
{
	if (!CHECK_EQUAL(sys_copy64(from, to), result))
		printf("# copying from 0x%lx to 0x%lx\n", from, to);
	CHECK(bystander_unharmed(&witness));
}

/* Up to four faults in one call: both sides fresh, both across a page's end. */
static void resolved(void)
{
	for (unsigned before = 0; before <= SIZE; before += 4) {
		unsigned long from = fresh(2, 0) + PAGE_SIZE - before;
		unsigned long to = fresh(2, PROT_WRITE) + PAGE_SIZE - (SIZE - before);

		copy(from, to, 0);
		CHECK(all_are(to, SIZE, 0));
		fill(to, SIZE, 7);
		copy(to, to, 0);	/* onto itself */
		CHECK(all_are(to, SIZE, 7));
		copy(to, fresh(2, PROT_WRITE) + PAGE_SIZE - before, 0);
		copy(from, to, 0);
		CHECK(all_are(to, SIZE, 0));
	}
}

/* The first page is brought in, the second cannot be. */
static void not_resolved(void)
{
	for (unsigned before = 1; before < SIZE; before += 7) {
		unsigned long good = fresh(2, PROT_WRITE) + PAGE_SIZE - before, edge = fresh_edge();

		copy(edge - before, good, -EFAULT);
		CHECK(all_are(edge - before, before, 0));
		edge = fresh_edge();
		fill(good, SIZE, 9);
		copy(good, edge - before, -EFAULT);
		CHECK(all_are(edge - PAGE_SIZE, PAGE_SIZE - before, 0));
		/* Both bad, and the source first. */
		copy(edge - before, edge - before, -EFAULT);
		/* read-only, and not there yet */
		copy(good, fresh(2, 0) + PAGE_SIZE - before, -EFAULT);
		copy(good, USER_STACK_TOP - USER_STACK_SIZE - before, -EFAULT);
		copy(USER_STACK_TOP - before, good, -EFAULT);
		copy((uintptr_t)main & ~(PAGE_SIZE - 1ul), good, 0);
	}
}

/* Registers are read and written in the same way. */
static void registers(void)
{
	struct bystander_thread other;
	unsigned long tid;

	CHECK_EQUAL(bystander_start(&other, 11), 0);
	tid = (unsigned long)other.thread.tid;
	CHECK_EQUAL(sys_thread_stop(tid), 0);
	for (unsigned before = 8; before < sizeof(struct thread_registers); before += 40) {
		unsigned long across = fresh(2, PROT_WRITE) + PAGE_SIZE - before,
			      edge = fresh_edge() - before;

		CHECK_EQUAL(sys_thread_get_registers(tid, edge), -EFAULT);
		CHECK_EQUAL(sys_thread_set_registers(tid, edge), -EFAULT);
		CHECK_EQUAL(sys_thread_set_registers(tid, fresh_edge() - before), -EFAULT);
		CHECK_EQUAL(sys_thread_get_registers(tid, across), 0);
		CHECK_EQUAL(sys_thread_set_registers(tid, across), 0);
		/* All zeroes, brought in by the copy: no CS of ring 3. */
		CHECK_EQUAL(
			sys_thread_set_registers(tid, fresh(2, PROT_WRITE) + PAGE_SIZE - before),
			-EINVAL);
	}
	CHECK_EQUAL(sys_thread_resume(tid), 0);
	CHECK(bystander_unharmed(&other));
	CHECK(bystander_stop(&other));
}

/* In a child: take every frame there is, by the kernel's copies alone. The last one fails, and is
 * the last. */
static int exhaust(void)
{
	unsigned long good = fresh(1, PROT_WRITE), hoard = fresh(HOARD / PAGE_SIZE, PROT_WRITE),
		      at = hoard;
	long error = 0;

	fill(good, SIZE, 5);
	for (; !error; at += PAGE_SIZE)
		error = sys_copy64(good, at + PAGE_SIZE - SIZE / 2);
	CHECK_EQUAL(error, -EFAULT);
	CHECK(at - hoard > PAGE_SIZE);
	CHECK_EQUAL(sys_copy64(hoard + PAGE_SIZE - SIZE / 2, good), 0);
	CHECK(all_are(good, SIZE, 5));
	return test_result();
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (!strcmp(arg, "child=exhaust"))
		return exhaust();
	CHECK_EQUAL(bystander_start(&witness, 10), 0);
	resolved();
	not_resolved();
	registers();
	test_child(PROGRAM, "exhaust", SURVIVES);
	CHECK(bystander_unharmed(&witness));
	resolved();
	CHECK(bystander_stop(&witness));
	return test_result();
}
