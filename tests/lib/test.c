/* SPDX-License-Identifier: MIT */
/* test.c - checks, and children that do what may kill them. */
#include "bystander.h"
#include "designs.h"
#include "print.h"
#include "splitmix.h"
#include "string.h"
#include "test.h"
#include "user.h"

static unsigned failures;

void test_each_design(const char *program, const char *arg)
{
	for (unsigned n = 0; n < DESIGN_COUNT && sys_design() != DESIGN_direct; n++) {
		long pid = spawn_with(program, arg, n);

		if (pid > 0)
			sys_wait((unsigned long)pid);
	}
}

bool test_check(bool ok, const char *file, int line, const char *what)
{
	if (!ok) {
		printf("# %s:%d: failed: %s\n", file, line, what);
		failures++;
	}
	return ok;
}

bool test_equal(long actual, long expected, const char *file, int line, const char *what)
{
	if (actual != expected) {
		printf("# %s:%d: %s is %ld (0x%lx), expected %ld (0x%lx)\n", file, line, what,
		       actual, (unsigned long)actual, expected, (unsigned long)expected);
		failures++;
	}
	return actual == expected;
}

int test_result(void)
{
	return failures ? TEST_FAIL : TEST_PASS;
}

uint64_t test_seed(const char *arg)
{
	return starts_with(arg, "seed=") ? parse_number(arg + strlen("seed=")) : 1;
}

uint64_t test_random(uint64_t *state)
{
	return splitmix_next(state);
}

static bool allowed(long status, uint64_t outcomes)
{
	if (status == 0)
		return outcomes & SURVIVES;
	/* Not a vector: the kernel's own kill, an error of spawn(), or another exit code. */
	if (status < WAIT_KILLED || status >= WAIT_KILLED + 32)
		return false;
	return outcomes >> (status & 31) & 1;
}

bool test_child(const char *program, const char *name, uint64_t outcomes)
{
	char arg[ARGUMENT_MAX + 1];

	snprintf(arg, sizeof(arg), "child=%s", name);

	long status = run(program, arg);
	bool ok = allowed(status, outcomes);

	if (!ok) {
		printf("# %s %s: status 0x%lx; allowed:%s", program, arg, (unsigned long)status,
		       outcomes & SURVIVES ? " exit 0" : "");
		for (int v = 0; v < 32; v++)
			if (outcomes & KILLED_BY(v))
				printf(" killed by vector %d", v);
		printf("\n");
		failures++;
	}
	return ok;
}

static int commit(const char *name, const struct offence *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(table[i].name, name)) {
			table[i].commit();
			return TEST_PASS;
		}
	}
	printf("# no offence is called '%s'\n", name);
	return TEST_FAIL;
}

int test_offences(const char *program, const char *arg, const struct offence *table, size_t count)
{
	if (starts_with(arg, "child="))
		return commit(arg + strlen("child="), table, count);

	struct bystander_thread witness;

	CHECK_EQUAL(bystander_start(&witness, count), 0);
	for (size_t i = 0; i < count; i++) {
		test_child(program, table[i].name, table[i].outcomes);
		CHECK(bystander_unharmed(&witness));
	}
	CHECK(bystander_stop(&witness));
	return test_result();
}
