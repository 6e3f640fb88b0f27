/* SPDX-License-Identifier: MIT */
/*
 * acpi.c - find the MADT and read the interrupt hardware out of it, and the FADT for its timer (ACPI 6.5, 5.2.5 to 5.2.12).
 *
 * A table is used only after its length and checksum were checked; a bad one is
 * reported and counts as absent.
 */
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/vendor.h"
#include "arch/x86_64/x86.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/kspace.h"
#include "mm/pagetable.h"

#define LAPIC_DEFAULT_PA	0xfee00000
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

struct table {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct madt {
	struct table head;
	uint32_t lapic_pa, flags;
} __attribute__((packed));

/* The first fields of the FADT, and those that were added for wider addresses (ACPI 6.5, 5.2.9). */
struct address {
	uint8_t space, bits, offset, access;
	uint64_t at;
} __attribute__((packed));

struct fadt {
	struct table head;
	uint8_t unused1[40];
	uint32_t pm_timer_port;
	uint8_t unused2[11], pm_timer_len;
	uint8_t unused3[116];
	/* from version 2 on */
	struct address pm_timer;
} __attribute__((packed));

#define FADT_V1_SIZE	116
#define ADDRESS_IO	1
_Static_assert(offsetof(struct fadt, pm_timer_port) == 76 && offsetof(struct fadt, pm_timer_len) == 91 &&
		       offsetof(struct fadt, pm_timer) == 208,
	       "ACPI's FADT");

enum madt_type { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_ADDRESS = 5, MADT_X2APIC = 9 };

struct madt_entry {
	uint8_t type, length;
} __attribute__((packed));

struct madt_lapic {
	struct madt_entry head;
	uint8_t processor, apic_id;
	uint32_t flags;
} __attribute__((packed));

struct madt_x2apic {
	struct madt_entry head;
	uint16_t reserved;
	uint32_t apic_id, flags, processor;
} __attribute__((packed));

struct madt_ioapic {
	struct madt_entry head;
	uint8_t id, reserved;
	uint32_t pa, gsi_base;
} __attribute__((packed));

struct madt_override {
	struct madt_entry head;
	uint8_t bus, source;
	uint32_t gsi;
	uint16_t flags;
} __attribute__((packed));

struct madt_lapic_address {
	struct madt_entry head;
	uint16_t reserved;
	uint64_t pa;
} __attribute__((packed));

#define LAPIC_ENABLED		1u
#define POLARITY(flags)		((flags) & 3)
#define TRIGGER(flags)		((flags) >> 2 & 3)
#define EXPLICITLY_OTHER	3	/* active low, level; ISA's own are high, edge */

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

/* Physical addresses have so many bits on this processor; one set beyond them in a page table is
 * a fault. */
static bool is_addressable(uint64_t pa, uint64_t len)
{
	uint32_t bits = cpuid_extended(CPUID_CAPACITY).eax & 0xff;
	uint64_t end = 1ul << (bits ? bits : BITS_AT_LEAST);

	return pa && pa < end && len <= end - pa;
}

/* Physical memory to read: in the direct map, or through a mapping of its own. NULL where no
 * address is. */
static const void *window(uint64_t pa, uint64_t len)
{
	if (!is_addressable(pa, len))
		return NULL;
	if (kspace_in_direct_map(pa, len))
		return phys_to_virt(pa);
	return (const void *)kspace_map_mmio(pa, len);
}

static bool rsdp_ok(const struct rsdp *r, size_t len)
{
	if (len < RSDP_V1_SIZE || memcmp(r->signature, "RSD PTR ", 8) || !checksum_ok(r, RSDP_V1_SIZE))
		return false;
	return r->revision < 2 || (len >= sizeof(*r) && checksum_ok(r, sizeof(*r)));
}

static bool scan_for_rsdp(struct rsdp *out, uint64_t pa, uint64_t size)
{
	for (uint64_t at = pa; at + sizeof(*out) <= pa + size; at += 16) {
		memcpy(out, phys_to_virt(at), sizeof(*out));
		if (rsdp_ok(out, sizeof(*out)))
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
static const struct table *get_table(uint64_t pa, const char *signature)
{
	const struct table *t = window(pa, sizeof(*t)), *whole;
	uint32_t len;

	if (!t)
		printk("acpi: a table at 0x%lx ignored: no such address on this processor\n", pa);
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

/* The table of at least @min bytes with this signature, or NULL. */
static const void *find_table(const struct rsdp *r, const char *signature, size_t min)
{
	bool wide = r->revision >= 2 && r->xsdt_pa;
	size_t step = wide ? 8 : 4;
	const struct table *root = get_table(wide ? r->xsdt_pa : r->rsdt_pa, wide ? "XSDT" : "RSDT");

	if (!root)
		return NULL;
	for (size_t at = sizeof(*root); at + step <= root->length; at += step) {
		const struct table *t;
		uint64_t pa = 0;

		memcpy(&pa, (const char *)root + at, step);
		t = get_table(pa, signature);
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
		return f->pm_timer.space == ADDRESS_IO && f->pm_timer.at <= UINT16_MAX ? f->pm_timer.at : 0;
	return f->pm_timer_len == 4 && f->pm_timer_port <= UINT16_MAX ? f->pm_timer_port : 0;
}

/* --- the MADT -------------------------------------------------------------- */

static void add_cpu(uint32_t apic_id, uint32_t flags)
{
	if (!(flags & LAPIC_ENABLED))
		return;
	for (uint32_t i = 0; i < acpi.cpu_count; i++)
		if (acpi.cpu_apic_ids[i] == apic_id)
			return;		/* firmware may list a CPU in both forms */
	if (acpi.cpu_count < MAX_CPUS)
		acpi.cpu_apic_ids[acpi.cpu_count++] = apic_id;
	else
		acpi.cpus_left_out++;
}

static void add_ioapic(const struct madt_ioapic *e)
{
	if (acpi.ioapic_count < ACPI_IOAPICS)
		acpi.ioapics[acpi.ioapic_count++] = (struct ioapic_info){ e->pa, e->gsi_base };
	else
		printk("acpi: the IOAPIC at 0x%x is left out: at most %d\n", e->pa, ACPI_IOAPICS);
}

static void add_override(const struct madt_override *e)
{
	if (acpi.override_count == sizeof(acpi.overrides) / sizeof(acpi.overrides[0]))
		return;
	acpi.overrides[acpi.override_count++] = (struct irq_override){
		.source = e->source,
		.gsi = e->gsi,
		.active_low = POLARITY(e->flags) == EXPLICITLY_OTHER,
		.level = TRIGGER(e->flags) == EXPLICITLY_OTHER,
	};
}

static void add_lapic_address(uint64_t pa)
{
	if (is_addressable(pa, PAGE_SIZE))
		acpi.lapic_pa = pa;
	else
		printk("acpi: the local APIC's address 0x%lx ignored: no such address on this "
		       "processor\n", pa);
}

/* False when @e is too short for its type. */
static bool add_entry(const struct madt_entry *e)
{
	const void *p = e;

	switch (e->type) {
	case MADT_LAPIC:
		if (e->length < sizeof(struct madt_lapic))
			return false;
		add_cpu(((const struct madt_lapic *)p)->apic_id, ((const struct madt_lapic *)p)->flags);
		return true;
	case MADT_X2APIC:
		if (e->length < sizeof(struct madt_x2apic))
			return false;
		add_cpu(((const struct madt_x2apic *)p)->apic_id, ((const struct madt_x2apic *)p)->flags);
		return true;
	case MADT_IOAPIC:
		if (e->length < sizeof(struct madt_ioapic))
			return false;
		add_ioapic(p);
		return true;
	case MADT_OVERRIDE:
		if (e->length < sizeof(struct madt_override))
			return false;
		add_override(p);
		return true;
	case MADT_LAPIC_ADDRESS:
		if (e->length < sizeof(struct madt_lapic_address))
			return false;
		add_lapic_address(((const struct madt_lapic_address *)p)->pa);
		return true;
	default:
		return true;
	}
}

static bool parse_madt(const struct madt *m)
{
	const uint8_t *at = (const uint8_t *)(m + 1), *end = (const uint8_t *)m + m->head.length;

	acpi.lapic_pa = m->lapic_pa;
	while (at < end) {
		const struct madt_entry *e = (const void *)at;

		if (end - at < (int)sizeof(*e) || e->length < sizeof(*e) || e->length > end - at || !add_entry(e))
			return false;
		at += e->length;
	}
	return acpi.cpu_count > 0;
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

/* False, with a line on the console, where there is none or it is bad: `acpi` has the defaults then. */
static bool read_madt(const struct madt *madt)
{
	if (madt && parse_madt(madt))
		return true;
	printk("acpi: %s: assuming one CPU, LAPIC at 0x%x, IOAPIC at 0x%x\n",
	       madt ? "malformed MADT" : "no MADT", LAPIC_DEFAULT_PA, IOAPIC_DEFAULT_PA);
	use_defaults();
	return false;
}

void acpi_init(const struct bootinfo *bi)
{
	const struct madt *madt = NULL;
	const struct fadt *fadt = NULL;
	struct rsdp rsdp;

	if (find_rsdp(bi, &rsdp)) {
		madt = find_table(&rsdp, "APIC", sizeof(*madt));
		fadt = find_table(&rsdp, "FACP", FADT_V1_SIZE);
	}
	acpi.present = read_madt(madt);
	acpi.pm_timer_port = fadt ? pm_timer_port(fadt) : 0;
	if (acpi.cpus_left_out)
		printk("acpi: %u CPUs are left out: at most %d\n", acpi.cpus_left_out, MAX_CPUS);
}
