/* SPDX-License-Identifier: MIT */
/*
 * pid.c - process numbers: in order, and round again after the last.
 *
 * Programs choose what numbers their processes get, for a spawn() that fails uses one up too.  So
 * no chain of the hash may become long, or every search in it holds the lock for as long as they
 * like; and 2^32 of them must not bring the first process's number, which the kernel knows it by,
 * to anybody else.
 */
#include "kernel/object/pid.h"
#include <stddef.h>
#include "kernel/object/process_internal.h"

static struct process *chains[PID_CHAINS];
static uint8_t taken[PID_CHAINS];	/* numbers of each chain that are somebody's, published
					 * or not */
uint32_t pid_last;

static uint32_t chain_of(uint32_t pid)
{
	return pid & (PID_CHAINS - 1);	/* as many neighbours as there are chains lie in
					 * different ones */
}

uint32_t pid_take(void)
{
	uint32_t pid = ++pid_last;
	uint8_t *n = &taken[chain_of(pid)];

	if (!pid || pid_find(pid) || __atomic_load_n(n, __ATOMIC_RELAXED) == PID_CHAIN_MAX)
		return 0;
	__atomic_add_fetch(n, 1, __ATOMIC_RELAXED);
	return pid;
}

void pid_give(uint32_t pid)
{
	__atomic_sub_fetch(&taken[chain_of(pid)], 1, __ATOMIC_RELAXED);
}

void pid_publish(struct process *p)
{
	struct process **chain = &chains[chain_of(p->pid)];

	p->hash_next = *chain;
	p->hash_at = chain;
	if (p->hash_next)
		p->hash_next->hash_at = &p->hash_next;
	*chain = p;
}

void pid_withdraw(struct process *p)
{
	*p->hash_at = p->hash_next;
	if (p->hash_next)
		p->hash_next->hash_at = p->hash_at;
}

struct process *pid_find(uint32_t pid)
{
	struct process *p = chains[chain_of(pid)];

	while (p && p->pid != pid)
		p = p->hash_next;
	return p;
}

uint32_t pid_check(void)
{
	uint32_t all = 0;

	for (uint32_t i = 0; i < PID_CHAINS; i++) {
		struct process *const *at = &chains[i];
		uint32_t n = 0;

		for (; *at && (*at)->hash_at == at && n <= PID_CHAIN_MAX; at = &(*at)->hash_next)
			n++;
		if (*at || n > taken[i])
			return UINT32_MAX;
		all += n;
	}
	return all;
}
