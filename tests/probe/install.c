/* SPDX-License-Identifier: MIT */
/* install.c - what the kernel's hooks lead to in every boot of an image that has the probe. */
#include <stddef.h>
#include "arch/x86_64/x86.h"
#include "kernel/abi.h"
#include "kernel/cmdline.h"
#include "kernel/console/panic.h"
#include "kernel/lib/probe.h"
#include "kernel/lib/string.h"
#include "tests/kernel/ktest.h"
#include "tests/probe/bench.h"
#include "tests/probe/inject.h"
#include "tests/probe/secrets.h"

static void early(const struct cmdline *c)
{
	inject_early(c->inject);
}

static void ready(const struct cmdline *c)
{
	bench_init(c->tests[0] || c->bench[0]);
	secrets_init(c->seed);
	if (!strcmp(c->tests, "kernel"))
		machine_exit(ktest_run_all() ? EXIT_PASS : EXIT_FAIL);
}

/* By name in linker.ld. */
void probe_install(void);
void probe_install(void)
{
	probe.inject_valid = inject_valid;
	probe.early = early;
	probe.ready = ready;
	probe.late = inject_late;
}
