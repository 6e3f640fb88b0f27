/* SPDX-License-Identifier: MIT */
/*
 * trace.h - marks for the host's debugger.
 *
 * Breakpoints on these two symbols bracket exactly one operation; the debugger
 * reads its name through rdi at trace_begin and steps until trace_end.
 */
#ifndef USER_TRACE_H
#define USER_TRACE_H

void trace_begin(const char *name);
void trace_end(void);

#endif
