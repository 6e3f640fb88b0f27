/* SPDX-License-Identifier: MIT */
/* syscall.h - prototypes of the system calls, generated from kernel/syscalls.def. */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include <stdint.h>
#define SYSCALL_PROTOTYPES_ONLY
#include "syscall_table.inc"
#undef SYSCALL_PROTOTYPES_ONLY

#endif
