/* SPDX-License-Identifier: MIT */
/*
 * secrets.h - play the victim: hold secrets, and learn who could read them if U/S did not count.
 *
 * Timers must be stopped, on all CPUs: an interrupt at the wrong moment would leave the register
 * secret in a frame of another kind than a system call's.
 */
#ifndef USER_SECRETS_H
#define USER_SECRETS_H

#include <stdint.h>

/* Sets of secrets (bit SECRET_...), by reader. */
struct sightings {
	uint64_t sibling;		/* through the victim's own user root */
	uint64_t unrelated;	/* through that of another process, which has entered and looks */
	uint64_t sibling_at_once;	/* the same two when the thread with the secret in its
					 * registers */
	uint64_t unrelated_at_once;	/* has just gone to sleep and nobody has entered after it;
					 * here the other process is the parent */
};

/* Plant, hold, let others look for @wanted; the calling process must have a parent. The unrelated
 * reader has the entry design @reader, and so should the parent. All happens on the first CPU,
 * where the caller is afterwards. The thread with the secret sleeps on until the process ends, so
 * that its last frame lies where it died. 0, or a negative error. */
int secrets_expose(struct sightings *s, uint64_t wanted, unsigned reader);

/* The same at once only, for all that is planted, when the thread with the secret has gone to sleep
 * on the second CPU and the caller has entered on the first since. */
int secrets_expose_elsewhere(struct sightings *s);

/* Sleep, once, with the secret of @key in every register that a system call preserves for its
 * caller. It is nowhere else in this process: made in a register, wiped if the sleep should end. */
void sleep_with_secret(void *key);

/* Short names of the planted secrets, by number. */
extern const char *const secret_names[];

#endif
