/* SPDX-License-Identifier: MIT */
/* bench.h - what measuring needs from the kernel; see sys_bench_control(). */
#ifndef KERNEL_BENCH_H
#define KERNEL_BENCH_H

#include <stdbool.h>

/* Boot time. @allow: this boot has bench= or tests=; otherwise both calls return -EPERM. */
void bench_init(bool allow);

#endif
