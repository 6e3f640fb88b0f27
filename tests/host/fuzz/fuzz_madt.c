/* SPDX-License-Identifier: MIT */
/* sources: arch/x86_64/pc/madt.c */
/*
 * fuzz_madt.c - the entries of a MADT.
 *
 * An input is what follows the table's head; length and checksum are acpi.c's business
 * (fuzz_acpi.c).  A second reader says which CPUs, IOAPICs and overrides there are.
 */
#include "tests/host/fuzz/fuzz.h"
#include "tests/host/fuzz/acpisame.h"
#include "arch/x86_64/pc/acpi_table.h"
#include "kernel/console/printk.h"

#define HEAD		36
#define MOST		4096

struct acpi_info acpi;
static struct acpi_info want;

bool acpi_is_addressable(uint64_t pa, uint64_t len)
{
	return pa && pa < 1ul << 40 && len <= (1ul << 40) - pa;
}

static unsigned lines, want_lines;

void printk(const char *fmt, ...)
{
	MUST(!strncmp(fmt, "acpi: ", 6));
	lines++;
}

/* --- the second reader ----------------------------------------------------------------- */

static void cpu(uint32_t id, uint32_t flags, uint32_t everybody)
{
	bool known = id == everybody;

	want_lines += flags & 1 && known;

	for (unsigned i = 0; i < want.cpu_count; i++)
		known |= want.cpu_apic_ids[i] == id;
	if (!(flags & 1) || known)
		return;
	if (want.cpu_count == MAX_CPUS)
		want.cpus_left_out++;
	else
		want.cpu_apic_ids[want.cpu_count++] = id;
}

static void ioapic(uint32_t pa, uint32_t gsi_base)
{
	if (want.ioapic_count == ACPI_IOAPICS)
		want_lines++;
	else
		want.ioapics[want.ioapic_count++] = (struct ioapic_info){ pa, gsi_base };
}

static void override(uint8_t source, uint32_t gsi, uint16_t flags)
{
	bool known = false;

	for (unsigned i = 0; i < want.override_count; i++)
		known |= want.overrides[i].source == source;
	if (source < 16 && !known)
		want.overrides[want.override_count++] = (struct irq_override){
			source, gsi, (flags & 3) == 3, (flags & 12) == 12
		};
}

static void lapic_address(uint64_t pa)
{
	if (pa && pa % 4096 == 0 && pa <= (1ul << 40) - 4096)
		want.lapic_pa = pa;
	else
		want_lines++;
}

static bool entry_right(const uint8_t *e)
{
	static const uint8_t least[10] = { 8, 12, 10, 2, 2, 12, 2, 2, 2, 16 };

	if (e[0] < 10 && e[1] < least[e[0]])
		return false;
	switch (e[0]) {
	case 0:
		cpu(e[3], read32(e + 4), 0xff);
		break;
	case 1:
		ioapic(read32(e + 4), read32(e + 8));
		break;
	case 2:
		if (!e[2])
			override(e[3], read32(e + 4), e[8]);
		break;
	case 5:
		lapic_address(read64(e + 4));
		break;
	case 9:
		cpu(read32(e + 4), read32(e + 8), 0xffffffff);
		break;
	}
	return true;
}

static bool is_right(const uint8_t *table, size_t len)
{
	size_t at = HEAD + 8;

	memset(&want, 0, sizeof(want));
	want_lines = 0;
	want.lapic_pa = 0xfee00000;
	lapic_address(read32(table + HEAD));
	for (; at < len; at += table[at + 1])
		if (len - at < 2 || table[at + 1] < 2 || table[at + 1] > len - at ||
		    !entry_right(table + at))
			return false;
	return want.cpu_count;
}

/* --- what must hold ------------------------------------------------------------------------ */

static bool parse(const uint8_t *table)
{
	memset(&acpi, 0, sizeof(acpi));
	lines = 0;
	return acpi_parse_madt((const struct acpi_table *)table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	size_t body = size < 8 ? 8 : size > MOST ? MOST : size;
	uint32_t len = HEAD + body;
	uint8_t *table = calloc(1, len);
	bool right;

	MUST(table);
	memcpy(table, "APIC", 4);
	memcpy(table + 4, &len, 4);
	take(&in, table + HEAD, body);
	right = is_right(table, len);
	for (int i = 0; i < 2; i++) {
		MUST(parse(table) == right);
		if (right)
			must_be_same(&acpi, &want);
		MUST(!right || lines == want_lines);
	}
	free(table);
	return 0;
}
