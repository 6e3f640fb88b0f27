/* SPDX-License-Identifier: MIT */
/* ktest.c - runs the in-kernel tests. */
#include <stddef.h>
#include "kernel/object/pid.h"
#include "kernel/object/process_internal.h"
#include "kernel/sync/spinlock.h"
#include "tests/kernel/ktest.h"

const char *ktest_skipped;

extern const struct ktest *const ktests_start[], *const ktests_end[];

bool ktest_run_all(void)
{
	unsigned n = 0;
	bool all = true;

	spin_lock(&process_lock);
	pid_take();	/* INIT_PID is nobody's here: no test's process is the first one */
	spin_unlock(&process_lock);
	printk("KTAP version 1\n1..%u\n", (unsigned)(ktests_end - ktests_start));
	for (const struct ktest *const *t = ktests_start; t < ktests_end; t++) {
		bool failed = false;

		ktest_skipped = NULL;
		(*t)->run(&failed);
		printk("%sok %u - %s%s%s\n", failed ? "not " : "", ++n, (*t)->name,
		       ktest_skipped ? " # SKIP " : "", ktest_skipped ? ktest_skipped : "");
		all = all && !failed;
	}
	return all;
}
