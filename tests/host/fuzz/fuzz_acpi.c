/* SPDX-License-Identifier: MIT */
/* sources: arch/x86_64/pc/acpi.c arch/x86_64/pc/madt.c */
/*
 * fuzz_acpi.c - from the RSDP to the MADT and the FADT, wherever their addresses point.
 *
 * An input is a byte of flags, an RSDP, and tables, each with its place, which of length and
 * checksum to put right, and its bytes.  Only what acpi.c has asked for may be read: the rest of
 * the memory is poisoned.  Above the RAM the tables' memory is seen again.
 */
#include <sanitizer/asan_interface.h>
#include "tests/host/fuzz/fuzz.h"
#include "tests/host/fuzz/acpisame.h"
#include "arch/x86_64/pc/acpi_table.h"
#include "arch/x86_64/x86.h"
#include "kernel/console/printk.h"
#include "mm/kspace.h"
#include "mm/physmap.h"

#define RAM		0x101000ul
#define EBDA_WORD	0x40e
#define RSDP_PA		0x1000
#define TABLES_PA	0x2000
#define TABLES_SIZE	0x4000
#define BIOS_PA		0xe0000
#define BIOS_END	0x100000
#define RSDP_SIZE	36
#define MOST_WINDOWS	4096

typedef unsigned __int128 wide;

static uint8_t ram[RAM] __attribute__((aligned(4096)));
static unsigned bits;			/* of a physical address, as CPUID says; 0: it does not */
static uint16_t ebda;
static char console[2][0x10000];
static unsigned turn;
static size_t console_used;

/* --- what acpi.c needs from the kernel --------------------------------------------------- */

static uint64_t address_end(void)
{
	return 1ul << (bits ? bits : 36);
}

/* Whatever acpi.c has asked for. */
__attribute__((no_sanitize("address"), noinline)) static uint8_t byte_at(uint64_t pa)
{
	return ram[pa < RAM ? pa : TABLES_PA + pa % TABLES_SIZE];
}

struct cpuid_regs cpuid_raw(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r = { 0 };

	(void)subleaf;
	if (leaf == 0x80000000)
		r.eax = 0x80000008;
	if (leaf == 0x80000008)
		r.eax = bits | 0x3000;
	if (leaf == 0 || leaf == 1)
		r.eax = 0x20;
	return r;
}

bool kspace_in_direct_map(uint64_t pa, uint64_t len)
{
	if (pa >= RAM || len > RAM - pa)
		return false;
	ASAN_UNPOISON_MEMORY_REGION(ram + pa, len);
	return true;
}

static void *windows[MOST_WINDOWS];
static unsigned window_count;

volatile void *kspace_map_mmio(uint64_t pa, uint64_t len)
{
	uint8_t *window = malloc(len);

	MUST(window && pa && (wide)pa + len <= address_end() && (wide)pa + len > RAM);
	for (uint64_t i = 0; i < len; i++)
		window[i] = byte_at(pa + i);
	MUST(window_count < MOST_WINDOWS);
	return windows[window_count++] = window;
}

void *phys_to_virt(uint64_t pa)
{
	MUST(pa < RAM);
	return ram + pa;
}

void printk(const char *fmt, ...)
{
	size_t room = sizeof(console[0]) - console_used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(console[turn] + console_used, room, fmt, ap);
	va_end(ap);
	console_used += (size_t)n < room ? (size_t)n : room - 1;
}

/* --- from the input to tables -------------------------------------------------------------- */

#define PLACE(flags)	((flags) & 3)	/* of the RSDP: */
enum { BY_ADDRESS, COPIED, IN_BIOS, IN_EBDA };
#define RIGHT_RSDP	4		/* its checksums are put right */
#define COPIED_SHORT	8		/* its first 20 bytes are there only */
#define BITS(flags)	((flags) >> 4 & 3)
#define RIGHT_LENGTH	1		/* flags of a table */
#define RIGHT_CHECKSUM	2

static void put_right(uint8_t *bytes, size_t len, size_t at)
{
	uint8_t sum = 0;

	bytes[at] = 0;
	for (size_t i = 0; i < len; i++)
		sum += bytes[i];
	bytes[at] = -sum;
}

static void put_rsdp(struct input *in, uint8_t flags, struct bootinfo *bi)
{
	static const uint32_t places[] = { RSDP_PA, RSDP_PA, BIOS_PA + 0x1fd0, RSDP_PA + 0x3d0 };
	uint8_t *rsdp = ram + places[PLACE(flags)];

	take(in, rsdp, RSDP_SIZE);
	if (flags & RIGHT_RSDP) {
		put_right(rsdp, 20, 8);
		put_right(rsdp, RSDP_SIZE, 32);
	}
	if (PLACE(flags) == BY_ADDRESS)
		bi->rsdp_pa = RSDP_PA;
	if (PLACE(flags) == COPIED) {
		bi->rsdp_len = flags & COPIED_SHORT ? 20 : RSDP_SIZE;
		memcpy(bi->rsdp_copy, rsdp, bi->rsdp_len);
	}
	ebda = PLACE(flags) == IN_EBDA ? RSDP_PA >> 4 : 0;
	memcpy(ram + EBDA_WORD, &ebda, 2);
}

static void put_table(struct input *in)
{
	uint8_t *t = ram + TABLES_PA + take8(in) * 0x40, flags = take8(in);
	uint32_t room = ram + TABLES_PA + TABLES_SIZE - t, len = take16(in) % 0x400;

	if (len > room)
		len = room;
	take(in, t, len);
	if (len < 36)
		return;
	if (flags & RIGHT_LENGTH)
		memcpy(t + 4, &len, 4);
	len = read32(t + 4);
	if (flags & RIGHT_CHECKSUM)
		put_right(t, len > 9 && len <= room ? len : 36, 9);
}

static void hide_memory(void)
{
	ASAN_POISON_MEMORY_REGION(ram, RAM);
	ASAN_UNPOISON_MEMORY_REGION(ram + EBDA_WORD, 2);
	if (ebda)
		ASAN_UNPOISON_MEMORY_REGION(ram + (ebda << 4), 1024);
	ASAN_UNPOISON_MEMORY_REGION(ram + BIOS_PA, BIOS_END - BIOS_PA);
}

/* --- the second reader ----------------------------------------------------------------------- */

static bool sum_right(uint64_t pa, uint64_t len)
{
	uint8_t sum = 0;

	for (uint64_t i = 0; i < len; i++)
		sum += byte_at(pa + i);
	return !sum;
}

static void bytes_at(uint64_t pa, void *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)to)[i] = byte_at(pa + i);
}

static bool readable(uint64_t pa, uint64_t len)
{
	return pa && (wide)pa + len <= address_end();
}

/* The length of the table at @pa, or 0. */
static uint32_t table_len(uint64_t pa, const char *signature)
{
	uint8_t head[36];
	uint32_t len;

	if (!readable(pa, 36))
		return 0;
	bytes_at(pa, head, 36);
	len = read32(head + 4);
	return !memcmp(head, signature, 4) && len >= 36 && len <= 0x100000 && readable(pa, len) &&
	       sum_right(pa, len) ? len : 0;
}

static bool rsdp_right(const uint8_t *r, size_t len)
{
	uint8_t sum20 = 0, sum36 = 0;

	for (int i = 0; i < RSDP_SIZE; i++) {
		sum36 += r[i];
		sum20 += i < 20 ? r[i] : 0;
	}
	return !memcmp(r, "RSD PTR ", 8) && !sum20 && (r[15] < 2 || (len >= RSDP_SIZE && !sum36));
}

/* The first table with this signature and at least @min bytes; its length, or 0. */
static uint32_t find(uint64_t root, uint32_t root_len, unsigned step, const char *signature,
		     uint32_t min, uint64_t *pa)
{
	for (uint64_t at = 36; at + step <= root_len; at += step) {
		uint32_t len;

		*pa = 0;
		bytes_at(root + at, pa, step);
		len = table_len(*pa, signature);
		if (len && len >= min)
			return len;
	}
	return 0;
}

static uint16_t timer_port(uint64_t pa, uint32_t len)
{
	uint8_t t[220];
	uint64_t port;

	bytes_at(pa, t, len < 220 ? 116 : 220);
	if (len >= 220 && read64(t + 212))
		port = t[208] == 1 ? read64(t + 212) : 0;
	else
		port = t[91] == 4 ? read32(t + 76) : 0;
	return port <= 0xffff ? port : 0;
}

/* What a MADT means is compared in fuzz_madt.c: its own reader is believed here. */
static bool madt_read(uint64_t pa, uint32_t len)
{
	uint8_t *madt = malloc(len);
	bool ok;

	MUST(madt);
	bytes_at(pa, madt, len);
	ok = acpi_parse_madt((const struct acpi_table *)madt);
	free(madt);
	return ok;
}

static void read_again(const uint8_t *rsdp, size_t rsdp_len)
{
	bool wide_list = rsdp[15] >= 2 && read64(rsdp + 24);
	uint64_t root = wide_list ? read64(rsdp + 24) : read32(rsdp + 16), madt = 0, fadt = 0;
	uint32_t len = 0, madt_len = 0, fadt_len = 0, step = wide_list ? 8 : 4;

	if (rsdp_right(rsdp, rsdp_len))
		len = table_len(root, wide_list ? "XSDT" : "RSDT");
	if (len) {
		madt_len = find(root, len, step, "APIC", 44, &madt);
		fadt_len = find(root, len, step, "FACP", 116, &fadt);
	}
	memset(&acpi, 0, sizeof(acpi));
	acpi.present = madt_len && madt_read(madt, madt_len);
	if (!acpi.present)
		acpi = (struct acpi_info){
			.lapic_pa = 0xfee00000, .ioapics = { { 0xfec00000, 0 } }, .ioapic_count = 1,
			.cpu_count = 1,
		};
	acpi.pm_timer_port = fadt_len ? timer_port(fadt, fadt_len) : 0;
}

/* --- what must hold ------------------------------------------------------------------------- */

static void check_ranges(const struct acpi_info *got)
{
	MUST(got->cpu_count >= 1 && got->cpu_count <= MAX_CPUS);
	MUST(got->cpu_count == MAX_CPUS || !got->cpus_left_out);
	MUST(got->ioapic_count <= ACPI_IOAPICS && got->override_count <= 16);
	for (unsigned i = 0; i < got->cpu_count; i++)
		for (unsigned k = 0; k < i; k++)
			MUST(got->cpu_apic_ids[i] != got->cpu_apic_ids[k]);
	MUST(!got->present == (strstr(console[0], "assuming one CPU") != NULL));
}

static struct acpi_info run(const struct bootinfo *bi, unsigned which)
{
	turn = which;
	console_used = 0;
	console[turn][0] = '\0';
	memset(&acpi, 0, sizeof(acpi));
	hide_memory();
	acpi_init(bi);
	ASAN_UNPOISON_MEMORY_REGION(ram, RAM);
	while (window_count)
		free(windows[--window_count]);
	return acpi;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t widths[] = { 40, 36, 52, 0 };
	struct input in = { data, size };
	uint8_t flags = take8(&in), rsdp[RSDP_SIZE] = { 0 };
	struct bootinfo bi = { .loader = "pvh" };
	struct acpi_info got, again;

	memset(ram, 0, TABLES_PA + TABLES_SIZE);
	memset(ram + BIOS_PA, 0, BIOS_END - BIOS_PA);
	bits = widths[BITS(flags)];
	memcpy(rsdp, in.at, in.left < RSDP_SIZE ? in.left : RSDP_SIZE);
	if (flags & RIGHT_RSDP) {
		put_right(rsdp, 20, 8);
		put_right(rsdp, RSDP_SIZE, 32);
	}
	put_rsdp(&in, flags, &bi);
	for (int i = 0; in.left && i < 32; i++)
		put_table(&in);
	got = run(&bi, 0);
	again = run(&bi, 1);
	must_be_same(&got, &again);
	MUST(!strcmp(console[0], console[1]));
	check_ranges(&got);
	read_again(rsdp, bi.rsdp_len ? bi.rsdp_len : RSDP_SIZE);
	must_be_same(&got, &acpi);
	return 0;
}
