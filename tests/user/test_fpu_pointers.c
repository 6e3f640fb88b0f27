/* SPDX-License-Identifier: MIT */
/*
 * test_fpu_pointers.c - where another program's last x87 instruction was, and what it read, shows
 * to nobody.
 *
 * FXSAVE, XSAVE and their counterparts leave these pointers alone on some processors unless an
 * x87 exception is pending (CVE-2006-1056).  A holder loads a number after each switch; lookers,
 * which use no x87 at all, must find no pointers.
 */
#include "print.h"
#include "string.h"
#include "test.h"
#include "user.h"

#define PROGRAM "test_fpu_pointers"
#define HOLDER_YIELDS 400
#define LOOKER_YIELDS 50

/* What FNSTENV stores: SDM vol. 1, figure 8-9. */
struct x87_environment {
	uint32_t control, status, tags, fip, fcs_fop, fdp, fds;
};

static int hold(void)
{
	static const double number = 1.5;

	for (int i = 0; i < HOLDER_YIELDS; i++) {
		__asm__ volatile("fldl %0\n\tfstp %%st(0)" : : "m"(number));
		sys_yield();
	}
	return TEST_PASS;
}

static bool look_once(void)
{
	struct x87_environment env;

	__asm__ volatile("fnstenv %0" : "=m"(env));
	if (!env.fip && !env.fdp && !(env.fcs_fop >> 16))
		return true;
	printf("# x87 pointers seen: instruction 0x%x, data 0x%x, opcode 0x%x\n", env.fip, env.fdp,
	       env.fcs_fop >> 16);
	return false;
}

static int look(void)
{
	bool good = look_once();

	for (int i = 0; i < LOOKER_YIELDS && good; i++) {
		sys_yield();
		good = look_once();
	}
	return good ? TEST_PASS : TEST_FAIL;
}

int main(const char *arg, size_t len)
{
	(void)len;
	if (!strcmp(arg, "child=hold"))
		return hold();
	if (!strcmp(arg, "child=look"))
		return look();

	long first = spawn(PROGRAM, "child=hold"), second = spawn(PROGRAM, "child=hold");

	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(run(PROGRAM, "child=look"), TEST_PASS);
	CHECK_EQUAL(sys_wait((unsigned long)first), TEST_PASS);
	CHECK_EQUAL(sys_wait((unsigned long)second), TEST_PASS);
	return test_result();
}
