/* SPDX-License-Identifier: MIT */
/* sources: kernel/load/elf.c */
/*
 * fuzz_elf.c - programs.
 *
 * An input says when memory ends, how long the file is, and the file's first bytes; the rest of the
 * file is a pattern.  A file is loaded exactly if it keeps the rules of kernel/load/elf.h, which
 * a second reader checks in 128 bits; every byte of the pages is then looked at.
 */
#include <elf.h>
#include "tests/host/fuzz/fuzz.h"
#include "kernel/abi.h"
#include "mm/aspace.h"
#include "mm/layout.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"

#define MOST_BYTES	0x4000
#define MOST_LOADS	16
#define MOST_PAGES	(MOST_LOADS * (MOST_BYTES / PAGE_SIZE + 2))

typedef unsigned __int128 wide;

bool sched_point(void);
int elf_load(struct aspace *as, const void *image, size_t len, uint64_t *entry, const char **why);

/* --- an address space that remembers, and ends when it is told to --------------------- */

static struct { uint64_t start, len, flags; } regions[MOST_LOADS];
static struct { uint64_t va; uint8_t bytes[PAGE_SIZE]; } pages[MOST_PAGES];
static unsigned region_count, page_count;
static unsigned calls, fails_at, stops_at;	/* 0: never */

int aspace_add_region(struct aspace *as, uint64_t start, uint64_t len, uint64_t flags)
{
	(void)as;
	if (++calls == fails_at)
		return -ENOMEM;
	MUST(region_count < MOST_LOADS);
	regions[region_count].start = start;
	regions[region_count].len = len;
	regions[region_count++].flags = flags;
	return 0;
}

void *aspace_populate(struct aspace *as, uint64_t va)
{
	(void)as;
	if (++calls == fails_at)
		return NULL;
	MUST(va % PAGE_SIZE == 0 && region_count);
	MUST(va - regions[region_count - 1].start < regions[region_count - 1].len);
	for (unsigned i = 0; i < page_count; i++)
		MUST(pages[i].va != va);
	MUST(page_count < MOST_PAGES);
	pages[page_count].va = va;
	return pages[page_count++].bytes;
}

bool sched_point(void)
{
	return ++calls == stops_at;
}

void *phys_to_virt(uint64_t pa)
{
	(void)pa;
	MUST(!"no physical address is asked for");
	return NULL;
}

/* --- the second reader -------------------------------------------------------------- */

static Elf64_Ehdr header;
static Elf64_Phdr loads[MOST_LOADS];
static unsigned load_count;

static bool header_right(size_t len)
{
	const Elf64_Ehdr *h = &header;

	return !memcmp(h->e_ident, "\177ELF\2\1\1", 7) && h->e_machine == EM_X86_64 &&
	       h->e_type == ET_EXEC && h->e_version == 1 && h->e_ehsize == 64 &&
	       h->e_phentsize == 56 && h->e_phnum >= 1 && h->e_phnum <= MOST_LOADS &&
	       h->e_phoff % 8 == 0 && (wide)h->e_phoff + h->e_phnum * 56 <= len;
}

static bool load_right(const Elf64_Phdr *p, size_t len)
{
	return (wide)p->p_offset + p->p_filesz <= len && p->p_filesz <= p->p_memsz &&
	       p->p_vaddr >= USER_MIN && (wide)p->p_vaddr + p->p_memsz <= USER_END &&
	       (p->p_vaddr >= USER_STACK_TOP ||
		p->p_vaddr + p->p_memsz <= USER_STACK_TOP - USER_STACK_SIZE) &&
	       p->p_vaddr % PAGE_SIZE == p->p_offset % PAGE_SIZE &&
	       !(p->p_flags & PF_W && p->p_flags & PF_X);
}

static uint64_t first_page(const Elf64_Phdr *p)
{
	return p->p_vaddr / PAGE_SIZE;
}

static uint64_t last_page(const Elf64_Phdr *p)
{
	return (p->p_vaddr + p->p_memsz - 1) / PAGE_SIZE;
}

static bool apart(const Elf64_Phdr *p)
{
	for (unsigned i = 0; i < load_count; i++)
		if (first_page(p) <= last_page(&loads[i]) && first_page(&loads[i]) <= last_page(p))
			return false;
	return true;
}

static bool entry_right(void)
{
	for (unsigned i = 0; i < load_count; i++)
		if (loads[i].p_flags & PF_X && header.e_entry >= loads[i].p_vaddr &&
		    header.e_entry < loads[i].p_vaddr + loads[i].p_memsz)
			return true;
	return false;
}

static bool is_right(const uint8_t *file, size_t len)
{
	load_count = 0;
	if (len < sizeof(header))
		return false;
	memcpy(&header, file, sizeof(header));
	if (!header_right(len))
		return false;
	for (unsigned i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, file + header.e_phoff + i * 56, sizeof(p));
		if (p.p_type == PT_INTERP || p.p_type == PT_DYNAMIC)
			return false;
		if (p.p_type != PT_LOAD || !(p.p_memsz | p.p_filesz))
			continue;
		if (!load_right(&p, len) || !apart(&p))
			return false;
		loads[load_count++] = p;
	}
	return entry_right();
}

/* --- what must hold --------------------------------------------------------------------- */

static void check_region(unsigned i)
{
	const Elf64_Phdr *p = &loads[i];
	uint64_t rights = (p->p_flags & PF_W ? PTE_W : 0) | (p->p_flags & PF_X ? 0 : PTE_NX);

	MUST(regions[i].start == first_page(p) * PAGE_SIZE);
	MUST(regions[i].len == (last_page(p) - first_page(p) + 1) * PAGE_SIZE);
	MUST(regions[i].start >= USER_MIN && regions[i].start + regions[i].len <= USER_END);
	MUST(regions[i].flags == rights);
}

/* The byte at @va as the file has it, or 0. */
static uint8_t wanted(const uint8_t *file, uint64_t va)
{
	for (unsigned i = 0; i < load_count; i++)
		if (va >= loads[i].p_vaddr && va - loads[i].p_vaddr < loads[i].p_filesz)
			return file[loads[i].p_offset + (va - loads[i].p_vaddr)];
	return 0;
}

static void check_pages(const uint8_t *file)
{
	uint64_t whole = 0;

	for (unsigned i = 0; i < page_count; i++)
		for (unsigned k = 0; k < PAGE_SIZE; k++)
			MUST(pages[i].bytes[k] == wanted(file, pages[i].va + k));
	for (unsigned i = 0; i < load_count; i++)
		if (loads[i].p_filesz)
			whole += (loads[i].p_vaddr + loads[i].p_filesz - 1) / PAGE_SIZE -
				 first_page(&loads[i]) + 1;
	MUST(page_count == whole);
}

static int load(const uint8_t *file, size_t len, uint64_t *entry, const char **why)
{
	struct aspace as = { .tlb.root = 0 };

	for (unsigned i = 0; i < page_count; i++)
		memset(pages[i].bytes, 0, PAGE_SIZE);
	region_count = page_count = calls = 0;
	*why = "nothing was said";
	return elf_load(&as, file, len, entry, why);
}

static void check_load(const uint8_t *file, size_t len, int err, uint64_t entry, const char *why)
{
	bool right = is_right(file, len);

	MUST((err == -ENOEXEC) == !right && (err == -ENOEXEC) == (why != NULL));
	if (err == -ENOEXEC)
		MUST(strcmp(why, "nothing was said") && !calls);
	if (err == -ENOMEM)
		MUST(fails_at && calls == fails_at);
	if (err == -EINTR)
		MUST(stops_at && calls == stops_at);
	for (unsigned i = 0; i < region_count; i++)
		check_region(i);
	if (err)
		return;
	MUST(entry == header.e_entry && region_count == load_count);
	check_pages(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint64_t entry = 0, again = 0;
	const char *why, *why_again;
	uint8_t *file, end;
	size_t len;
	int err;

	end = take8(&in);	/* an odd number: memory ends; an even one: the thread */
	fails_at = end % 2 ? end / 2 + 1 : 0;
	stops_at = end % 2 ? 0 : end / 2;
	len = take16(&in) % (MOST_BYTES + 1);
	file = malloc(len);
	MUST(file);
	for (size_t i = 0; i < len; i++)
		file[i] = i < in.left ? in.at[i] : (uint8_t)(i * 7 + (i >> 8));
	err = load(file, len, &entry, &why);
	check_load(file, len, err, entry, why);
	MUST(load(file, len, &again, &why_again) == err && again == entry && why_again == why);
	free(file);
	return 0;
}
