/* SPDX-License-Identifier: MIT */
/*
 * stop.c - stopping the other CPUs in a panic, and letting each say where it was.
 *
 * The panicking CPU sends NMIs, for a CPU that spins with interrupts off must stop
 * too, and prints its own report.  Then it gives the turn to one CPU after the other.
 * Words that one CPU writes and others read are all that there is: no lock that a
 * stopped CPU could hold, and no wait that a dead one could make endless.
 */
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/x86.h"
#include "kernel/console/printk.h"
#include "kernel/console/stop.h"

#define NS_PER_S	1000000000ul
#define STOP_NS		NS_PER_S	/* for all to stop, before the first report */
#define LATE_NS		(3 * NS_PER_S)	/* for those that did not, after it */
#define REPORT_NS	(3 * NS_PER_S)	/* for one to print */
#define TURN_NS		((MAX_CPUS + 10) * REPORT_NS)	/* for a turn to come */

static uint32_t turn;			/* CPU that may print + 1; written by the panicking one */
static bool stopped[MAX_CPUS], finished[MAX_CPUS];	/* each by its CPU */

static bool is_set(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static bool wait_until_set(const bool *flag, uint64_t deadline)
{
	while (!is_set(flag)) {
		if (rdtsc() > deadline)
			return false;
		cpu_pause();
	}
	return true;
}

static bool is_other(uint32_t i, uint32_t self)
{
	return i != self && is_set(&cpus[i].online);
}

void smp_stop_others(void)
{
	uint32_t self = cpu_number_by_apic_id();
	uint64_t deadline;

	for (uint32_t i = 0; i < MAX_CPUS; i++)
		if (is_other(i, self))
			lapic_send_nmi(cpus[i].apic_id);
	if (!tsc_hz)
		return;			/* nobody else runs yet */
	deadline = rdtsc() + clock_ns_to_tsc(STOP_NS);
	for (uint32_t i = 0; i < MAX_CPUS; i++)
		if (is_other(i, self))
			wait_until_set(&stopped[i], deadline);
}

void smp_hear_others(void)
{
	uint32_t self = cpu_number_by_apic_id();
	uint64_t late = tsc_hz ? rdtsc() + clock_ns_to_tsc(LATE_NS) : 0;

	for (uint32_t i = 0; i < MAX_CPUS; i++) {
		if (!is_other(i, self))
			continue;
		if (!wait_until_set(&stopped[i], late)) {
			printk("CPU %u: does not answer its NMI\n", i);
			continue;
		}
		__atomic_store_n(&turn, i + 1, __ATOMIC_RELEASE);
		if (!wait_until_set(&finished[i], rdtsc() + clock_ns_to_tsc(REPORT_NS)))
			printk("\nCPU %u: hangs in its report\n", i);
	}
}

bool smp_is_stopping(void)
{
	return is_set(&stopped[cpu_number_by_apic_id()]);
}

bool smp_wait_for_turn(void)
{
	uint32_t self = cpu_number_by_apic_id();
	uint64_t deadline = rdtsc() + clock_ns_to_tsc(TURN_NS);

	__atomic_store_n(&stopped[self], true, __ATOMIC_RELEASE);
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != self + 1) {
		if (rdtsc() > deadline)
			return false;
		cpu_pause();
	}
	return true;
}

void smp_halt(void)
{
	__atomic_store_n(&finished[cpu_number_by_apic_id()], true, __ATOMIC_RELEASE);
	for (;;)
		__asm__ volatile("cli; hlt");
}
