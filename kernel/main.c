/* SPDX-License-Identifier: MIT */
/* main.c - the boot, as a list of calls. */
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_setup.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/ioapic.h"
#include "arch/x86_64/switch.h"
#include "arch/x86_64/trapframe.h"
#include "arch/x86_64/uart.h"
#include "arch/x86_64/vga.h"
#include "arch/x86_64/xcall.h"
#include "boot/bootinfo.h"
#include "boot/bootmem.h"
#include "entry/design.h"
#include "entry/dispatch.h"
#include "kernel/abi.h"
#include "kernel/cmdline.h"
#include "kernel/console/panic.h"
#include "kernel/console/printk.h"
#include "kernel/early.h"
#include "kernel/lib/format.h"
#include "kernel/lib/image.h"
#include "kernel/lib/probe.h"
#include "kernel/lib/string.h"
#include "kernel/object/process.h"
#include "kernel/object/reap.h"
#include "kernel/object/tid.h"
#include "kernel/sched/sched.h"
#include "kernel/smp.h"
#include "mm/budget.h"
#include "mm/cpuarea.h"
#include "mm/frames.h"
#include "mm/kspace.h"
#include "mm/physmap.h"
#include "mm/tlb.h"

#define INIT_PROGRAM	"init"
#define EARLY_MAPPED	(1ul << 32)	/* boot/ maps this much at its physical address */

static struct bootinfo bootinfo;
static struct cmdline cmdline;

void kmain(uint32_t magic, uint64_t info_pa);

static void __attribute__((noreturn)) refuse(const char *what)
{
	printk("vestibule: %s\n", what);
	machine_exit(EXIT_USAGE);
}

static const void *early_phys(uint64_t pa, size_t len)
{
	return len <= EARLY_MAPPED && pa <= EARLY_MAPPED - len ? (const void *)pa : NULL;
}

static void read_bootinfo(uint32_t magic, uint64_t info_pa)
{
	const char *why = "started by neither a multiboot2 nor a PVH loader";

	if (magic == MULTIBOOT2_MAGIC)
		why = bootinfo_parse_multiboot2(&bootinfo, (const void *)info_pa,
						EARLY_MAPPED - info_pa);
	else if (magic == PVH_MAGIC)
		why = bootinfo_parse_pvh(&bootinfo, (const void *)info_pa, early_phys);
	if (why)
		refuse(why);
	if (bootinfo.mem_truncated)	/* a reserved range that was dropped might be handed out */
		refuse("the memory map reserves more ranges than BOOT_MEM_RANGES "
		       "(boot/bootinfo.h)");
	if (bootinfo.vga_text)
		vga_init((volatile void *)VGA_TEXT_PA);
}

static void read_cmdline(void)
{
	char err[1024];

	if (bootinfo.cmdline_too_long)
		refuse("the command line is too long: at most 511 bytes");
	if (cmdline_parse(bootinfo.cmdline, &cmdline, err, sizeof(err)))
		refuse(err);
	if ((cmdline.tests[0] || cmdline.bench[0]) && !image.probe_install)
		refuse("tests= and bench= need an image with the probe: make iso without PROBE=0");
	tlb_pcid_wanted = cmdline.pcid;
	printk("vestibule: entry=%s%s: %s\n", cmdline.entry->name,
	       cmdline.entry_defaulted ? " (the default)" : "", cmdline.entry->summary);
}

/* Before the frames are counted. */
static void leave_out_memory(void)
{
	uint64_t above = bootmem_limit_ram(&bootinfo, DIRECT_MAP_SIZE);

	if (above)
		printk("memory: %lu MiB from %lu GiB on are not used: the direct map ends there\n",
		       above >> 20, DIRECT_MAP_SIZE >> 30);
	if (bootinfo.mem_given_up)
		printk("memory: %lu KiB are not used: the map has more than %d ranges\n",
		       bootinfo.mem_given_up >> 10, BOOT_MEM_RANGES);
}

static void init_memory(void)
{
	const struct mem_range reserved[] = {
		{0, image.end_pa, false},	/* first MiB and the image */
		{bootinfo.archive_pa, bootinfo.archive_len, false},
	};

	leave_out_memory();
	frames_init(bootinfo.mem, bootinfo.mem_count, reserved, 2);
	vga_init(NULL);			/* the identity map is about to go */
	kspace_init(&bootinfo);
	if (bootinfo.vga_text)
		vga_init(kspace_map_mmio(VGA_TEXT_PA, VGA_TEXT_SIZE));
	printk("vestibule: %lu MiB of memory, loader %s\n", frames_total() >> 8, bootinfo.loader);
}

/* The APIC withdrew an interrupt after the CPU had accepted it: no EOI is due (SDM vol. 3A,
 * 11.9). */
static void spurious_irq(struct trapframe *frame)
{
	(void)frame;
}

static void init_devices(void)
{
	uint64_t registers;

	acpi_init(&bootinfo);
	registers = lapic_registers(acpi.lapic_pa);
	if (registers)
		lapic_base = kspace_map_mmio(registers, PAGE_SIZE);
	pic_disable();
	lapic_enable();
	cpus[0].apic_id = lapic_id();
	ioapic_init();
	clock_calibrate();
	irq_set_handler(VECTOR_TIMER, sched_tick);
	irq_set_handler(VECTOR_RESCHEDULE, sched_reschedule_irq);
	irq_set_handler(VECTOR_LATER, sched_later_irq);
	irq_set_handler(VECTOR_XCALL, xcall_irq);
	irq_set_handler(VECTOR_SPURIOUS, spurious_irq);
	irq_set_handler(VECTOR_UART, uart_irq);
	if (uart_is_there() && ioapic_route_isa(UART_ISA_IRQ, VECTOR_UART, lapic_id()) >= 0)
		uart_enable_irq();
}

static void open_archive(void)
{
	const char *why;

	if (!bootinfo.archive_len)
		refuse("no boot archive: pass archive.tar as the first module (GRUB module2, QEMU "
		       "-initrd)");
	boot_archive.base = phys_to_virt(bootinfo.archive_pa);
	boot_archive.len = bootinfo.archive_len;
	why = archive_check(&boot_archive);
	if (why)
		refuse(why);
}

/* What init is to do, as its argument string. */
static size_t init_argument(char *buf, size_t size)
{
	if (cmdline.tests[0])
		return snprintk(buf, size, "tests=%s seed=%lu", cmdline.tests, cmdline.seed);
	if (cmdline.bench[0])
		return snprintk(buf, size, "bench=%s", cmdline.bench);
	if (cmdline.run[0])
		return snprintk(buf, size, "run=%s", cmdline.run);
	buf[0] = 0;
	return 0;
}

static void start_init(void)
{
	char arg[80];
	const struct beginning init = {
		INIT_PROGRAM, arg, init_argument(arg, sizeof(arg)), boot_design,
	};
	int64_t pid;

	open_archive();
	budget_init_root(frames_total() - frames_used(), TID_SLOTS - 1);
	pid = process_spawn(&init, NULL);
	if (pid < 0)
		panic("the boot archive's %s cannot be started: error %ld", INIT_PROGRAM, -pid);
}

/* On the idle thread's stack. */
static void __attribute__((noreturn)) boot_thread(void)
{
	init_devices();
	smp_start_cpus(&bootinfo, cmdline.cpus);
	PROBE(ready, &cmdline);
	start_init();
	PROBE(late);
	sched_set_tick(SCHED_TICK_HZ);
	sched_idle(reap);
}

/* [cr3=early identity map and image, rsp=boot stack, if=0] */
void kmain(uint32_t magic, uint64_t info_pa)
{
	uart_init();
	if (image.probe_install)
		image.probe_install();
	read_bootinfo(magic, info_pa);
	cpu_detect_features();
	if (!(cpu_features & CPU_SYSCALL))
		refuse("this processor lacks SYSCALL: programs call the kernel by it");
	cpu_enable_features();
	read_cmdline();
	entry_choose(cmdline.entry);
	init_memory();
	PROBE(early, &cmdline);
	if (cpu_alloc(0, 0) || sched_alloc_idle(&cpus[0]))	/* its APIC id is known later */
		panic("no memory for the first CPU");
	cpu_load(0, boot_design);
	early_report_nmis(0);
	tlb_init_cpu(&cpus[0]);
	sched_init_cpu(&cpus[0], cpus[0].idle);
	sched_cpu_online(&cpus[0]);
	run_on_stack(cpus[0].idle->kstack_top, boot_thread);
}
