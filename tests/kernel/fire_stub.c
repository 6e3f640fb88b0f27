/* SPDX-License-Identifier: MIT */
/* fire_stub.c - the 256 stubs, entered from kernel mode as the CPU would. */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trapframe.h"
#include "entry/design.h"
#include "entry/dispatch.h"
#include "kernel/abi.h"
#include "tests/kernel/fire.h"

#define GPRS 15
/* SDM vol. 3A, table 6-1 */

/* tests/kernel/fire_stub.asm: load @load, build the CPU's frame at @top (0: right here) with
 * @error when @has_error, go to @stub; when that returns, store all registers in @seen. */
void fire_enter_stub(const void *stub, uint64_t top, uint64_t has_error, const uint64_t *load,
		     uint64_t *seen);

static trap_handler *displaced;			/* of the vector under test */

/* Ours has no EOI, for none came from the local APIC. Another CPU's interrupt is none of our
 * business. */
static void take_irq(struct trapframe *frame)
{
	if (frame->rip == (uint64_t)fire_stub_back)
		fire_expect.stub_vector = 0;
	else
		displaced(frame);
}

static void enter(uint64_t vector, uint64_t top, const uint64_t *load, uint64_t *seen)
{
	bool is_irq = vector >= VECTOR_EXCEPTIONS;
	bool has_error = !is_irq && VECTORS_WITH_ERROR_CODE >> vector & 1;

	if (is_irq) {
		displaced = irq_handler_of(vector);	/* first: another CPU may take one at
							 * once */
		irq_set_handler(vector, take_irq);
	}
	fire_expect.stub_vector = vector + 1;
	fire_enter_stub((const char *)this_cpu()->design->stubs + vector * ENTRY_STUB_SIZE, top,
			has_error, load, seen);
	if (is_irq)
		irq_set_handler(vector, displaced);
}

int64_t fire_stub(uint64_t vector)
{
	uint64_t load[GPRS], seen[GPRS], top = 0;

	if (vector > 255 || vector == VECTOR_NMI)
		return -EINVAL;
	for (unsigned i = 0; i < GPRS; i++)
		load[i] = 0x0101010101010101ul * (i + 1) + vector;
	if (this_cpu()->design->ist[vector])
		top = cea_ist_top(this_cpu()->index, this_cpu()->design->ist[vector]);
	enter(vector, top, load, seen);
	for (unsigned i = 0; i < GPRS; i++)
		if (seen[i] != load[i])
			fire_fault("vector %lu: register %u was %lx, is %lx", vector, i, load[i],
				   seen[i]);
	if (fire_expect.stub_vector)
		fire_fault("vector %lu: its stub led nowhere", vector);
	return 0;
}
