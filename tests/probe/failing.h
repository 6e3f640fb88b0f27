/* SPDX-License-Identifier: MIT */
/*
 * failing.h - allocations that fail because a test says so: every error path is taken once.
 *
 * Frames and heap objects are the only things that are allocated; both ask the probe.
 */
#ifndef TESTS_FAILING_H
#define TESTS_FAILING_H

#include <stdbool.h>
#include <stdint.h>

/* The @n-th allocation of the current process from now on fails, and with @all all after it.
 * 0: none any more. Returns how many have failed since it was last called. IRQs off. */
uint64_t failing_arm(uint64_t n, bool all);

#endif
