/* SPDX-License-Identifier: MIT */
/* probe.c - nobody looks, unless somebody does. */
#include "kernel/lib/probe.h"

struct probe probe;
