/* SPDX-License-Identifier: MIT */
/* torture.h - the parts of torture: what is done, and what must be left afterwards. */
#ifndef TORTURE_H
#define TORTURE_H

#include <stdbool.h>
#include <stdint.h>

/* Run one program, drawn by *@seed from all or from those whose threads come and go, and wait
 * for it. True when it ended as it should; else says what happened. */
bool act_once(uint64_t *seed, bool threads_only);

struct balance {
	long frames, tables;
};

#define SETTLE_NAPS 10000	/* of a millisecond */

/* What is in use. Threads that have ended are freed a moment later: at most @naps are waited for
 * @wanted. */
struct balance settle(struct balance wanted, unsigned naps);

/* Have more threads, processes and mappings at once than @runners runners ever will, so that
 * what the kernel keeps for the next ones is there. Returns what is in use then. Failures are
 * failed checks. */
struct balance fill_pools(unsigned runners);
int fill_child(const char *what);

/* NMIs to every CPU: take them from now on; send them, until stopped; print how many came and
 * where, and let go. False when an NMI found a state that cannot be, or none came. */
bool nmis_begin(void);
bool nmis_start(void);
bool nmis_stop(void);
bool nmis_end(void);

#endif
