/* SPDX-License-Identifier: MIT */
/* xcall.c - calls to other CPUs. Compiled on the host too, against a simulated machine. */
#include "arch/x86_64/xcall.h"
#include "arch/x86_64/hw.h"
#include "mm/layout.h"

static struct box {
	uint64_t callers;		/* bit n: CPU n's call is for this CPU too */
	struct xcall *call;		/* this CPU's own */
} __attribute__((aligned(64))) boxes[MAX_CPUS];

uint64_t xcall_ipis_sent;

void xcall_serve(void)
{
	struct box *b = &boxes[hw_cpu()];

	if (!__atomic_load_n(&b->callers, __ATOMIC_RELAXED))
		return;
	for (uint64_t left = atomic_take(&b->callers); left; left &= left - 1) {
		struct xcall *call = boxes[__builtin_ctzl(left)].call;

		call->serve(call);
		atomic_clear_bit(&call->waiting, hw_cpu());
	}
}

void xcall_irq(struct trapframe *frame)
{
	(void)frame;
	hw_eoi();
	xcall_serve();
}

/* Whoever finds the mailbox empty sends the interrupt: as long as it is not, one is on its way. */
static void post(unsigned cpu)
{
	if (atomic_set_bit(&boxes[cpu].callers, hw_cpu()) || BUG(SKIP_IPI))
		return;
	hw_send_xcall(cpu);
	__atomic_fetch_add(&xcall_ipis_sent, 1, __ATOMIC_RELAXED);
}

void xcall_post(struct xcall *call, uint64_t targets)
{
	boxes[hw_cpu()].call = call;
	call->waiting = BUG(SKIP_WAIT) ? 0 : targets;
	for (uint64_t left = targets; left; left &= left - 1)
		post(__builtin_ctzl(left));
}

void xcall_wait(const struct xcall *call)
{
	while (atomic_read(&call->waiting)) {
		xcall_serve();
		hw_pause();
	}
}
