/* SPDX-License-Identifier: MIT */
/* mcheck.h - the machine-check architecture (SDM vol. 3B, ch. 16): what broke, and may anything go
 * on? */
#ifndef ARCH_MCHECK_H
#define ARCH_MCHECK_H

#include <stdint.h>

enum mcheck_verdict {
	MCHECK_GO_ON,			/* nothing lost, or nothing that anyone needs now */
	MCHECK_DATA_LOST,		/* whoever was interrupted cannot go on; the others can */
	MCHECK_FATAL,			/* the processor's state cannot be trusted */
};

/* The worst bank; status 0 when none has anything to say. */
struct mcheck_report {
	uint64_t global;		/* MCG_STATUS */
	uint64_t status, address;	/* MCi_STATUS, MCi_ADDR (0 when it has none) */
	uint32_t bank;
};

/* Switch all reporting of this CPU on and forget what firmware left. No-op without the
 * architecture. */
void mcheck_enable(void);

/* Read and clear all banks, but for what a sibling must find. In the #MC handler: kernel table,
 * no lock. */
enum mcheck_verdict mcheck_take(struct mcheck_report *report);

/* Last in the handler: from here on another #MC is delivered and is not a shutdown. */
void mcheck_done(void);

#endif
