/* SPDX-License-Identifier: MIT */
/* ktest.h - tests that run in the kernel, before user space (tests=kernel). */
#ifndef TESTS_KTEST_H
#define TESTS_KTEST_H

#include <stdbool.h>
#include "kernel/console/printk.h"

struct ktest {
	const char *name;
	void (*run)(bool *failed);
};

/* Define and register a test; KCHECK() inside it notes a failure and goes on. Kernel table, IRQs
 * off. */
#define KTEST(id)								\
	static void ktest_##id(bool *failed);					\
	static const struct ktest ktest_entry_##id = {#id, ktest_##id};		\
	static const struct ktest *const ktest_pointer_##id			\
		__attribute__((section(".ktests"), used)) = &ktest_entry_##id;	\
	static void ktest_##id(bool *failed)

#define KCHECK(cond)								\
	do {									\
		if (!(cond)) {							\
			printk("# %s:%d: %s\n", __FILE__, __LINE__, #cond);	\
			*failed = true;						\
		}								\
	} while (0)

/* Leave the test, before its first KCHECK(): this machine cannot show what it is about, and why is
 * @reason. */
#define KSKIP(reason)								\
	do {									\
		ktest_skipped = (reason);					\
		return;								\
	} while (0)

extern const char *ktest_skipped;	/* by the running test; NULL: not */

/* Run them all, print KTAP. True when every one passed. */
bool ktest_run_all(void);

#endif
