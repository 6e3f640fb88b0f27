/* SPDX-License-Identifier: MIT */
/*
 * acpi.c - find the MADT and the FADT, and read the FADT's timer (ACPI 6.5, 5.2.5 to 5.2.9).
 *
 * A table is used only after its length and checksum were checked; a bad one is
 * reported and counts as absent.
 */
#include "arch/x86_64/pc/acpi.h"
#include "arch/x86_64/pc/acpi_table.h"
#include "arch/x86_64/x86.h"
#include "kernel/console/printk.h"
#include "kernel/lib/string.h"
#include "mm/kspace.h"
#include "mm/physmap.h"

#define IOAPIC_DEFAULT_PA	0xfec00000

#define EBDA_SEGMENT_PA		0x40e
#define EBDA_SEARCH		1024
#define BIOS_AREA_PA		0xe0000
#define BIOS_AREA_SIZE		0x20000
#define CPUID_CAPACITY		0x80000008	/* EAX bits 0 to 7: of a physical address */
#define BITS_AT_LEAST		36	/* without that leaf (SDM vol. 3A, 4.1.4) */
#define TABLE_MAX		0x100000	/* bytes; a longer one is nonsense */

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt_pa;
	/* from revision 2 on */
	uint32_t length;
	uint64_t xsdt_pa;
	uint8_t extended_checksum, reserved[3];
} __attribute__((packed));

#define RSDP_V1_SIZE offsetof(struct rsdp, length)
_Static_assert(sizeof(struct rsdp) == sizeof(((struct bootinfo *)0)->rsdp_copy), "ACPI's RSDP");

/* The first fields of the FADT, and those that were added for wider addresses (ACPI 6.5, 5.2.9). */
struct address {
	uint8_t space, bits, offset, access;
	uint64_t at;
} __attribute__((packed));

struct fadt {
	struct acpi_table head;
	uint8_t unused1[40];
	uint32_t pm_timer_port;
	uint8_t unused2[11], pm_timer_len;
	uint8_t unused3[116];
	/* from version 2 on */
	struct address pm_timer;
} __attribute__((packed));

#define FADT_V1_SIZE	116
#define ADDRESS_IO	1
_Static_assert(offsetof(struct fadt, pm_timer_port) == 76 &&
		       offsetof(struct fadt, pm_timer_len) == 91 &&
		       offsetof(struct fadt, pm_timer) == 208,
	       "ACPI's FADT");

struct acpi_info acpi;

/* --- finding tables -------------------------------------------------------- */

static bool checksum_ok(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	while (len--)
		sum += *b++;
	return !sum;
}

bool acpi_is_addressable(uint64_t pa, uint64_t len)
{
	uint32_t bits = cpuid(CPUID_CAPACITY, 0).eax & 0xff;
	uint64_t end = 1ul << (bits ? bits : BITS_AT_LEAST);

	return pa && pa < end && len <= end - pa;
}

/* Physical memory to read: in the direct map, or through a mapping of its own. NULL where no
 * address is. */
static const void *window(uint64_t pa, uint64_t len)
{
	if (!acpi_is_addressable(pa, len))
		return NULL;
	if (kspace_in_direct_map(pa, len))
		return phys_to_virt(pa);
	return (const void *)kspace_map_mmio(pa, len);
}

static bool rsdp_ok(const struct rsdp *r, size_t len)
{
	if (len < RSDP_V1_SIZE || memcmp(r->signature, "RSD PTR ", 8) ||
	    !checksum_ok(r, RSDP_V1_SIZE))
		return false;
	return r->revision < 2 || (len >= sizeof(*r) && checksum_ok(r, sizeof(*r)));
}

static bool scan_for_rsdp(struct rsdp *out, uint64_t pa, uint64_t size)
{
	for (uint64_t at = pa; at + RSDP_V1_SIZE <= pa + size; at += 16) {
		uint64_t left = pa + size - at, len = left < sizeof(*out) ? left : sizeof(*out);

		memcpy(out, phys_to_virt(at), len);	/* the first version may lie at the very
							 * end */
		if (rsdp_ok(out, len))
			return true;
	}
	return false;
}

/* The loader's copy, else the loader's address, else where a BIOS puts it. */
static bool find_rsdp(const struct bootinfo *bi, struct rsdp *out)
{
	const void *p;
	uint16_t ebda;

	memset(out, 0, sizeof(*out));
	memcpy(out, bi->rsdp_copy, bi->rsdp_len);
	if (rsdp_ok(out, bi->rsdp_len))
		return true;
	p = window(bi->rsdp_pa, sizeof(*out));
	if (p) {
		memcpy(out, p, sizeof(*out));
		if (rsdp_ok(out, sizeof(*out)))
			return true;
	}
	memcpy(&ebda, phys_to_virt(EBDA_SEGMENT_PA), sizeof(ebda));
	return (ebda && scan_for_rsdp(out, (uint64_t)ebda << 4, EBDA_SEARCH)) ||
	       scan_for_rsdp(out, BIOS_AREA_PA, BIOS_AREA_SIZE);
}

/* The whole table at @pa. NULL when it is another one, or bad: then with a line on the console. */
static const struct acpi_table *get_table(uint64_t pa, const char *signature)
{
	const struct acpi_table *t = window(pa, sizeof(*t)), *whole;
	uint32_t len;

	if (!t || memcmp(t->signature, signature, 4))
		return NULL;
	len = t->length;
	if (len >= sizeof(*t) && len <= TABLE_MAX) {
		whole = window(pa, len);
		if (whole && checksum_ok(whole, len))
			return whole;
	}
	printk("acpi: table %.4s at 0x%lx ignored: bad length or checksum\n", t->signature, pa);
	return NULL;
}

/* The list of all tables: 64-bit addresses in an XSDT, 32-bit ones in an RSDT. */
struct root {
	const struct acpi_table *table;		/* NULL: none */
	size_t step;				/* bytes of an address */
};

/* The address at offset *@at of the list, which then goes on to the next; false at the end. */
static bool next_address(const struct root *root, size_t *at, uint64_t *pa)
{
	if (*at + root->step > root->table->length)
		return false;
	*pa = 0;
	memcpy(pa, (const char *)root->table + *at, root->step);
	*at += root->step;
	return true;
}

static void name_unreadable(uint64_t pa)
{
	if (!acpi_is_addressable(pa, sizeof(struct acpi_table)))
		printk("acpi: a table at 0x%lx ignored: no such address on this processor\n", pa);
}

/* Which of its addresses cannot be read is said here, once, whatever is looked for later. */
static struct root get_root(const struct rsdp *r)
{
	bool wide = r->revision >= 2 && r->xsdt_pa;
	uint64_t pa = wide ? r->xsdt_pa : r->rsdt_pa;
	struct root root = { get_table(pa, wide ? "XSDT" : "RSDT"), wide ? 8 : 4 };
	size_t at = sizeof(*root.table);

	name_unreadable(pa);
	while (root.table && next_address(&root, &at, &pa))
		name_unreadable(pa);
	return root;
}

/* The table of at least @min bytes with this signature, or NULL. */
static const void *find_table(const struct root *root, const char *signature, size_t min)
{
	size_t at = sizeof(*root->table);
	uint64_t pa;

	while (next_address(root, &at, &pa)) {
		const struct acpi_table *t = get_table(pa, signature);

		if (t && t->length >= min)
			return t;
	}
	return NULL;
}

/* --- the FADT -------------------------------------------------------------- */

/* A port of its own where the firmware gives the wide form, else the narrow one's. */
static uint16_t pm_timer_port(const struct fadt *f)
{
	if (f->head.length >= sizeof(*f) && f->pm_timer.at)
		return f->pm_timer.space == ADDRESS_IO && f->pm_timer.at <= UINT16_MAX ?
			       f->pm_timer.at :
			       0;
	return f->pm_timer_len == 4 && f->pm_timer_port <= UINT16_MAX ? f->pm_timer_port : 0;
}

static void use_defaults(void)
{
	acpi = (struct acpi_info){
		.lapic_pa = LAPIC_DEFAULT_PA,
		.ioapics = { { IOAPIC_DEFAULT_PA, 0 } },
		.ioapic_count = 1,
		.cpu_apic_ids = { cpuid(1, 0).ebx >> 24 },
		.cpu_count = 1,
	};
}

/* False, with a line on the console, where there is none or it is bad: `acpi` has the defaults
 * then. */
static bool read_madt(const struct acpi_table *madt)
{
	if (madt && acpi_parse_madt(madt))
		return true;
	printk("acpi: %s: assuming one CPU, LAPIC at 0x%x, IOAPIC at 0x%x\n",
	       madt ? "malformed MADT" : "no MADT", LAPIC_DEFAULT_PA, IOAPIC_DEFAULT_PA);
	use_defaults();
	return false;
}

void acpi_init(const struct bootinfo *bi)
{
	const struct acpi_table *madt = NULL;
	const struct fadt *fadt = NULL;
	struct root root = { 0 };
	struct rsdp rsdp;

	if (find_rsdp(bi, &rsdp))
		root = get_root(&rsdp);
	if (root.table) {
		madt = find_table(&root, "APIC", ACPI_MADT_SIZE);
		fadt = find_table(&root, "FACP", FADT_V1_SIZE);
	}
	acpi.present = read_madt(madt);
	acpi.pm_timer_port = fadt ? pm_timer_port(fadt) : 0;
	if (acpi.cpus_left_out)
		printk("acpi: %u CPUs are left out: at most %d\n", acpi.cpus_left_out, MAX_CPUS);
}
