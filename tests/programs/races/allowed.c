/* SPDX-License-Identifier: MIT */
/* allowed.c - results that are right although no order of the calls gives them, each with its
 * reason. */
#include "races.h"
#include "string.h"

static const struct {
	const char *call;		/* "": any */
	long result;
	const char *beside;		/* when this one is made too */
	const char *why;
} exceptions[] = {
	{ "", -EINTR, "exit",
	  "the process ends: a wait is cut short before the thread is told to end" },
	{ "", -EINTR, "kill", "likewise" },
	{ "", -EINTR, "stop_peer",
	  "the caller is stopped within its call: no order of whole calls shows that" },
	{ "join_peer", -EINTR, "join_peer",
	  "they wait for each other, until who looks on gets them out of it" },
	{ "stop", -EAGAIN, "stop", "another thread is stopping it just now" },
	{ "write", 1, "stop_peer", "likewise, between two lines" },
	{ "write", 1, "exit", "likewise, between two lines" },
	{ "write", 1, "kill", "likewise" },
};

static bool is_made(const struct race *r, const char *name)
{
	for (unsigned n = 0; n < r->parts; n++)
		if (!strcmp(r->call[n]->name, name))
			return true;
	return false;
}

static bool is_shortage(long result)
{
	return result == -ENOMEM || result == -EAGAIN || result == -EFAULT;
}

const char *allowed_because(const struct race *r, unsigned part)
{
	for (unsigned i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
		if (exceptions[i].result == r->result[part] && is_made(r, exceptions[i].beside) &&
		    (!*exceptions[i].call || !strcmp(exceptions[i].call, r->call[part]->name)))
			return exceptions[i].why;
	if (race_fails(r) && is_shortage(r->result[part]))
		return "the other's allocations are to fail: the process's, that is";
	return NULL;
}
