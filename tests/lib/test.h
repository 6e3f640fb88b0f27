/* SPDX-License-Identifier: MIT */
/*
 * test.h - what the programs of tests/user share.
 *
 * A test is a program: exit code TEST_PASS, TEST_SKIP (after a line that says
 * why), anything else is a failure.  Its argument is "seed=<n>".  What may kill it, it
 * tries in a child: the same program, spawned with "child=<name>".
 */
#ifndef USER_TEST_H
#define USER_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEST_PASS	0
#define TEST_FAIL	1
#define TEST_SKIP	77

/* Count and print a failure, and go on. */
#define CHECK(condition) test_check((condition), __FILE__, __LINE__, #condition)
/* The same for a value: prints both. */
#define CHECK_EQUAL(actual, expected) \
	test_equal((long)(actual), (long)(expected), __FILE__, __LINE__, #actual)

bool test_check(bool ok, const char *file, int line, const char *what);
bool test_equal(long actual, long expected, const char *file, int line, const char *what);
/* TEST_PASS when no check has failed so far, else TEST_FAIL. */
int test_result(void);

/* What the random choices of this boot's tests start from; 1 when @arg is not "seed=<n>". */
uint64_t test_seed(const char *arg);
/* The next number of the sequence whose state is *@state: a seed at first. */
uint64_t test_random(uint64_t *state);

/* Run @program once by each entry design that this boot lets us choose: what the kernel keeps for
 * later processes of a design is there then, for whoever counts. */
void test_each_design(const char *program, const char *arg);

/* What may become of a child: it exits with code 0, or a vector below 32 kills it. Or'ed
 * together. */
#define SURVIVES	(1ul << 32)
#define KILLED_BY(v)	(1ul << (v))

struct offence {
	const char *name;
	void (*commit)(void);		/* runs in the child */
	uint64_t outcomes;		/* the allowed ones */
};

/* The body of an abuse test. In a child (@arg is "child=<name>"): commit that offence.
 * Otherwise: spawn a child of @program for each offence, with a bystander thread at work, and
 * judge what became of it. */
int test_offences(const char *program, const char *arg, const struct offence *table, size_t count);

/* Spawn @program with "child=<name>" and check that its end is among @outcomes. */
bool test_child(const char *program, const char *name, uint64_t outcomes);

#endif
