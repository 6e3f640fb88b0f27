/* SPDX-License-Identifier: MIT */
/* test_abuse_int.c - INT n for every n, and ICEBP: only 3 and 4 are a program's to raise. */
#include "arch/x86_64/trapframe.h"
#include "bystander.h"
#include "print.h"
#include "string.h"
#include "test.h"
#include "user.h"

#define PROGRAM "test_abuse_int"
#define GATE_SIZE 4
#define VECTOR_OF 4

/* INT 0, INT 1, ... INT 255, each followed by RET. Neither is a way to encode n at run time: text
 * is read-only. */
__asm__(".pushsection .text\n"
	"int_gates:\n"
	".set vector, 0\n"
	".rept 256\n"
	".byte 0xcd, vector\n"
	"ret\n"
	"nop\n"
	".set vector, vector + 1\n"
	".endr\n"
	".popsection");
extern const char int_gates[];

static void raise(unsigned n)
{
	((void (*)(void))(int_gates + n * GATE_SIZE))();
}

static void check_vector(unsigned n)
{
	char name[8];
	unsigned outcome = n == VECTOR_BP || n == VECTOR_OF ? n : VECTOR_GP;

	snprintf(name, sizeof(name), "%u", n);
	test_child(PROGRAM, name, KILLED_BY(outcome));
}

static void raise_icebp(void)
{
	__asm__ volatile(".byte 0xf1");
}

int main(const char *arg, size_t len)
{
	struct bystander_thread witness;

	(void)len;
	if (!strcmp(arg, "child=icebp")) {
		raise_icebp();
		return TEST_PASS;
	}
	if (starts_with(arg, "child=")) {
		raise((unsigned)parse_number(arg + strlen("child=")) & 0xff);
		return TEST_PASS;
	}
	CHECK_EQUAL(bystander_start(&witness, 1), 0);
	for (unsigned n = 0; n < 256; n++)
		check_vector(n);
	/* No gate's DPL keeps ICEBP away from #DB. QEMU's TCG (7.2) does not know the
	 * instruction. */
	test_child(PROGRAM, "icebp", KILLED_BY(VECTOR_DB) | KILLED_BY(VECTOR_UD));
	CHECK(bystander_stop(&witness));
	return test_result();
}
