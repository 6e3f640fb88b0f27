/* SPDX-License-Identifier: MIT */
/* secrets.c - plant secrets, and look for them as Meltdown would. */
#include "tests/probe/secrets.h"
#include "arch/x86_64/cpu.h"
#include "kernel/abi.h"
#include "kernel/object/process.h"
#include "kernel/sched/sched.h"
#include "mm/aspace.h"
#include "mm/heap.h"
#include "mm/stacks.h"
#include "tests/lib/splitmix.h"
#include "tests/probe/abi.h"
#include "tests/probe/audit.h"

#define PATIENCE 1000	/* yields until a thread that was to sleep counts as awake */

_Static_assert(SECRET_MULTIPLIER * SECRET_INVERSE == 1, "inverse modulo 2^64");

static uint64_t sequence, seed;	/* of the generator; of the last planting, one of its outputs */
static uint64_t data_secret = 1;	/* not 0: .data, not .bss */
static uint64_t *heap_secret, *stack_secret;

void secrets_init(uint64_t boot_seed)
{
	sequence = boot_seed;
}

/* Bit 63 stays clear: a key is the result of a system call. */
static uint64_t key_of(unsigned secret)
{
	return splitmix_mix(seed + secret) >> 1;
}

/* In assembly, so that the plain value is in one register for three instructions and then
 * nowhere. */
static void plant(uint64_t *where, unsigned secret)
{
	uint64_t plain = key_of(secret);

	__asm__ volatile("imul %2, %0\n\t"
			 "mov %0, %1\n\t"
			 "xor %k0, %k0"
			 : "+&r"(plain), "=m"(*where) : "r"(SECRET_MULTIPLIER) : "cc");
}

/* A heap object and a kernel stack, taken once and kept. */
static bool find_places(void)
{
	uint64_t top;

	if (!heap_secret)
		heap_secret = kzalloc(sizeof(*heap_secret));
	if (!stack_secret) {
		top = kstack_alloc();
		stack_secret = top ? (uint64_t *)top - 8 : NULL;
	}
	return heap_secret && stack_secret;
}

int64_t secrets_plant(uint64_t user_address)
{
	struct percpu *private = current_thread()->cpu->percpu;
	uint64_t page = user_address & -(uint64_t)PAGE_SIZE;
	char *user;

	if (user_address % sizeof(uint64_t))
		return -EINVAL;
	if (!find_places())
		return -ENOMEM;
	user = aspace_populate(current_thread()->process->as, page);
	if (!user)
		return -EFAULT;
	seed = splitmix_next(&sequence);
	plant(&data_secret, SECRET_DATA);
	plant(heap_secret, SECRET_HEAP);
	plant(stack_secret, SECRET_KSTACK);
	plant(&private->planted, SECRET_PERCPU);
	plant((uint64_t *)(user + (user_address - page)), SECRET_PROCESS);
	return key_of(SECRET_REGISTERS);
}

int64_t secrets_look(struct aspace *as, uint64_t wanted)
{
	int64_t found = 0;

	if (wanted >> SECRETS)
		return -EINVAL;
	for (unsigned s = 0; s < SECRETS; s++)
		if (wanted >> s & 1 && audit_find_secret(as, key_of(s)))
			found |= 1l << s;
	return found;
}

static void note_state(struct thread *t, uint64_t where)
{
	*(enum thread_state *)where = t->state;
}

/* Yielding from inside a system call lets others run without anybody entering after the sleeper. */
static int wait_until_asleep(struct process *p, uint64_t tid)
{
	for (unsigned i = 0; i < PATIENCE && !p->dying; i++) {
		enum thread_state state;

		if (tid > UINT32_MAX || thread_apply(tid, note_state, (uint64_t)&state))
			return -ESRCH;
		if (state == THREAD_SLEEPING)
			return 0;
		sched_yield();
	}
	return -EAGAIN;
}

int64_t secrets_look_when_asleep(uint64_t tid)
{
	const uint64_t planted = (1ul << SECRET_NOWHERE) - 1;
	struct process *p = current_thread()->process;
	int err = wait_until_asleep(p, tid);

	if (err)
		return err;
	if (!p->parent || !p->parent->as)
		return -ECHILD;
	return secrets_look(p->as, planted) | secrets_look(p->parent->as, planted) << SECRETS;
}
