/* SPDX-License-Identifier: MIT */
/*
 * smp.c - starting the other CPUs (SDM vol. 3A, 8.4.4).
 *
 * They start one after the other: the boot CPU allocates all that a CPU needs,
 * puts the idle stack into ap_stack, and wakes it.  The CPU takes the stack out
 * of that word in one instruction, allocates nothing and takes no lock until it
 * is online, so one that fails on the way can be put back by INIT, and its block
 * and stack serve the next.
 */
#include "kernel/smp.h"
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_setup.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/needs.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/x86.h"
#include "arch/x86_64/xcall.h"
#include "entry/design.h"
#include "kernel/console/printk.h"
#include "kernel/early.h"
#include "kernel/lib/probe.h"
#include "kernel/lib/string.h"
#include "kernel/object/reap.h"
#include "kernel/sched/sched.h"
#include "mm/cpuarea.h"
#include "mm/kspace.h"
#include "mm/physmap.h"
#include "mm/tlb.h"

#define LOW_MEMORY_END	0xa0000ul	/* video memory and ROMs from here on */
#define XAPIC_ID_MAX	254		/* 255 is everybody */
#define NS_PER_US	1000ul
#define INIT_DELAY_NS	(10000 * NS_PER_US)
#define STARTUP_DELAY_NS (200 * NS_PER_US)
#define HANG_NS		(5000000 * NS_PER_US)	/* far beyond any start: detects a CPU that hangs */

extern const char ap_blob[], ap_lacks[], ap_blob_end[];

/* What boot/ap_start.asm reads: the table, and the stack of the CPU whose turn it is; 0 once it
 * took it. */
uint64_t ap_root, ap_stack;

static uint32_t ap_index;		/* its number */
static uint32_t ap_missing;	/* CPU_* bits that it should have and has not: it stays out */
static volatile struct cpu_lacks *lacks;	/* of what none can do without; in the page it
						 * starts at */

void smp_ap_main(void);

static void __attribute__((noreturn)) stay_out(uint32_t missing)
{
	__atomic_store_n(&ap_missing, missing, __ATOMIC_RELEASE);
	for (;;)
		__asm__ volatile("hlt");
}

/* A started CPU's first C, on its idle stack: [cr3=kernel gs=0 rsp=idle if=0]. No locks. */
void smp_ap_main(void)
{
	uint32_t missing = cpu_missing_features();
	struct cpu *cpu = &cpus[ap_index];

	if (missing)
		stay_out(missing);
	cpu_enable_features();
	cpu_load(ap_index, boot_design);
	tlb_init_cpu(cpu);
	lapic_enable();
	sched_init_cpu(cpu, cpu->idle);
	sched_set_tick(SCHED_TICK_HZ);
	sched_cpu_online(cpu);
	sched_idle(reap);
}

/* --- a page to start at -------------------------------------------------------------- */

static bool touches(uint64_t page, uint64_t base, uint64_t len)
{
	return len && base < page + PAGE_SIZE && (base > page || page - base < len);
}

/* RAM, and nobody else's: the frame allocator never hands out the first MiB. */
static bool page_is_free(const struct bootinfo *bi, uint64_t page)
{
	bool usable = false;

	if (touches(page, bi->archive_pa, bi->archive_len))
		return false;
	for (size_t i = 0; i < bi->mem_count; i++) {
		const struct mem_range *r = &bi->mem[i];

		if (!r->usable && touches(page, r->base, r->len))
			return false;
		usable |= r->usable && r->base <= page && r->len >= PAGE_SIZE &&
			  page - r->base <= r->len - PAGE_SIZE;
	}
	return usable;
}

/* The highest free page below the video memory, or 0: page 0 is the BIOS's. */
static uint64_t find_low_page(const struct bootinfo *bi)
{
	uint64_t page = LOW_MEMORY_END - PAGE_SIZE;

	while (page && !page_is_free(bi, page))
		page -= PAGE_SIZE;
	return page;
}

/* --- the boot CPU's side ------------------------------------------------------------- */

/* Wait until *@word is @value or @ns have passed. */
static bool wait_for(const uint64_t *word, uint64_t value, uint64_t ns)
{
	uint64_t start = rdtsc(), limit = clock_ns_to_tsc(ns);

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) {
		if (rdtsc() - start > limit)
			return false;
		cpu_pause();
	}
	return true;
}

static void delay(uint64_t ns)
{
	static const uint64_t never;

	wait_for(&never, 1, ns);
}

static bool stays_out(void)
{
	return __atomic_load_n(&ap_missing, __ATOMIC_ACQUIRE) || lacks->basic || lacks->extended;
}

static bool wait_until_online(const struct cpu *cpu)
{
	uint64_t start = rdtsc(), limit = clock_ns_to_tsc(HANG_NS);

	while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE)) {
		if (stays_out() || rdtsc() - start > limit)
			return false;
		xcall_serve();
		cpu_pause();
	}
	return true;
}

static void report_failure(uint32_t apic_id, bool arrived)
{
	char names[128];

	if (lacks->basic || lacks->extended)
		cpu_report_lacks(apic_id, lacks);
	else if (ap_missing)
		printk("smp: the CPU with APIC id %u is left out: it lacks %s\n", apic_id,
		       cpu_feature_names(ap_missing, names, sizeof(names)));
	else
		printk("smp: the CPU with APIC id %u is left out: it %s\n", apic_id,
		       arrived ? "started and then hung" : "does not start");
}

/* Start the CPU as number cpu_count, whose block is filled; it has had its INIT. */
static bool start(uint32_t apic_id, uint64_t page)
{
	struct cpu *cpu = &cpus[cpu_count];

	cpu->apic_id = apic_id;
	ap_index = cpu_count;
	ap_missing = 0;
	lacks->basic = lacks->extended = 0;
	__atomic_store_n(&ap_stack, cpu->idle->kstack_top, __ATOMIC_RELEASE);
	lapic_send_startup(apic_id, page / PAGE_SIZE);
	/* Some need a second one; one that runs already ignores it. */
	if (!wait_for(&ap_stack, 0, STARTUP_DELAY_NS))
		lapic_send_startup(apic_id, page / PAGE_SIZE);
	if (wait_until_online(cpu)) {
		early_report_nmis(cpu_count);
		cpu_count++;
		return true;
	}
	lapic_send_init(apic_id);	/* whatever it does, it stops */
	delay(INIT_DELAY_NS);
	tlb_forget_cpu(cpu);
	report_failure(apic_id, !__atomic_exchange_n(&ap_stack, 0, __ATOMIC_ACQ_REL));
	return false;
}

/* APIC id of the @n-th CPU besides this one that can be reached, from @at on; false at the end. */
static bool next_other(uint32_t *at, uint32_t *apic_id)
{
	while (*at < acpi.cpu_count) {
		*apic_id = acpi.cpu_apic_ids[(*at)++];
		if (*apic_id == cpus[0].apic_id)
			continue;
		if (!lapic_base || *apic_id <= XAPIC_ID_MAX)
			return true;
		printk("smp: the CPU with APIC id %u is left out: only an x2APIC reaches it\n",
		       *apic_id);
	}
	return false;
}

static int alloc(uint32_t index, uint32_t apic_id)
{
	int err = cpu_alloc(index, apic_id);

	return err ? err : sched_alloc_idle(&cpus[index]);
}

static void start_others(uint64_t page, uint32_t others)
{
	uint32_t at = 0, apic_id;

	memcpy(phys_to_virt(page), ap_blob, ap_blob_end - ap_blob);
	lacks = phys_to_virt(page + (ap_lacks - ap_blob));
	PROBE(ap_code, phys_to_virt(page));
	ap_root = kspace_boot_root();
	for (uint32_t n = 0; n < others && next_other(&at, &apic_id); n++)
		lapic_send_init(apic_id);
	delay(INIT_DELAY_NS);		/* one for all */
	at = 0;
	for (uint32_t n = 0; n < others && next_other(&at, &apic_id); n++) {
		/* A CPU that failed leaves its block to the next. */
		if (!cpus[cpu_count].idle && alloc(cpu_count, apic_id)) {
			printk("smp: no memory for CPU %u: it and those after it are left out\n",
			       cpu_count);
			return;
		}
		start(apic_id, page);
	}
}

void smp_start_cpus(const struct bootinfo *bi, uint32_t limit)
{
	uint32_t wanted = limit && limit < acpi.cpu_count ? limit : acpi.cpu_count;
	uint64_t page = wanted > 1 ? find_low_page(bi) : 0;
	const char *pcid;

	if (limit > acpi.cpu_count)
		printk("smp: cpus=%u, but this machine has %u\n", limit, acpi.cpu_count);
	if (page)
		start_others(page, wanted - 1);
	else if (wanted > 1)
		printk("smp: the other CPUs are left out: no free page below 640 KiB to start them "
		       "at\n");
	if (cpus_without_lfence)
		printk("cpu: LFENCE may be no barrier to speculation on %u CPU%s: DE_CFG, MSR "
		       "c0011029, cannot be set (under a hypervisor that is the host's to do)\n",
		       cpus_without_lfence, cpus_without_lfence > 1 ? "s" : "");
	pcid = cpu_features & CPU_INVPCID ? ", PCID with INVPCID" : ", PCID without INVPCID";
	printk("vestibule: %u CPU%s, %s%s\n", cpu_count, cpu_count > 1 ? "s" : "",
	       lapic_base ? "xAPIC" : "x2APIC", tlb_pcid_in_use() ? pcid : "");
}
