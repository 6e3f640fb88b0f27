/* SPDX-License-Identifier: MIT */
/* segments.h - a program's FS base and data-segment selectors, kept per thread. */
#ifndef ARCH_SEGMENTS_H
#define ARCH_SEGMENTS_H

struct thread;

/* IRQs off, kernel GS. @t is the thread whose values the CPU holds. */
void segments_save(struct thread *t);
/* Give the CPU @t's values. What another program loaded never shows. */
void segments_load(const struct thread *t);

#endif
