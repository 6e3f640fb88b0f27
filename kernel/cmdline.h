/* SPDX-License-Identifier: MIT */
/* cmdline.h - the kernel command line: key=value words, strict. */
#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry_design;

struct cmdline {
	const struct entry_design *entry;	/* entry=, default percpu */
	bool entry_defaulted;
	/* "" when absent: */
	char tests[48];			/* tests=: "kernel", "user" or a test program's name */
	char bench[32];			/* bench=: "all", "trace" or a benchmark's name */
	char run[24];			/* run=: a program of the boot archive */
	uint32_t cpus;			/* cpus=: 1..MAX_CPUS; 0 when absent: all that there are */
	bool pcid;			/* pcid=on|off; default on: used where CPUID has it */
	uint64_t seed;	/* seed=: decimal or 0x hex; default 1; secrets and tests draw from it */
	char inject[64];		/* inject=: one fault for a test to find; "" when absent */
};

/* Parse @line.  Returns 0, or -EINVAL with a message in @err (at most @errlen bytes with NUL)
 * that names the offending word and lists what is valid.  Unknown key, unknown value, repeated
 * key: all stop. No global state but the design registry; runs on the host too. */
int cmdline_parse(const char *line, struct cmdline *out, char *err, size_t errlen);

#endif
