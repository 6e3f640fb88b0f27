/* SPDX-License-Identifier: MIT */
/*
 * elf.c - check a static ELF64 program, then load it (System V ABI, chapters 4 and 5).
 *
 * Everything is checked before anything is mapped, against the file's length
 * and against the other segments; what comes after can only run out of memory.
 */
#include "kernel/load/elf.h"
#include <stdbool.h>
#include "kernel/abi.h"
#include "kernel/lib/string.h"
#include "kernel/sched/sched.h"
#include "mm/aspace.h"
#include "mm/pagetable.h"

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct elf_header) == 64, "ELF64 header");

struct segment {			/* a program header */
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct segment) == 56, "ELF64 program header");

#define ET_EXEC		2
#define EM_X86_64	62
#define PT_LOAD		1
#define PT_DYNAMIC	2
#define PT_INTERP	3
#define PF_X		1
#define PF_W		2

#define MAX_SEGMENTS	16

struct program {
	struct elf_header header;
	struct segment loads[MAX_SEGMENTS];
	unsigned count;
};

static uint64_t page_down(uint64_t v) { return v & -(uint64_t)PAGE_SIZE; }
static uint64_t page_up(uint64_t v) { return page_down(v + PAGE_SIZE - 1); }

static uint64_t first_page(const struct segment *s) { return page_down(s->vaddr); }
static uint64_t end_page(const struct segment *s) { return page_up(s->vaddr + s->memsz); }

static const char *check_header(const struct elf_header *h, size_t len)
{
	/* 64-bit, little endian, version 1 */
	static const uint8_t ident[7] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

	if (memcmp(h->ident, ident, sizeof(ident)))
		return "not an ELF64 little-endian file";
	if (h->machine != EM_X86_64)
		return "not for x86-64";
	if (h->type != ET_EXEC)
		return "not a static executable (ET_EXEC)";
	if (h->version != 1 || h->ehsize != sizeof(*h) || h->phentsize != sizeof(struct segment))
		return "ELF header of an unknown version or size";
	if (!h->phnum || h->phnum > MAX_SEGMENTS)
		return "no program headers, or more than 16";
	if (h->phoff % 8)
		return "program headers are misaligned";
	if (h->phoff > len || h->phnum * sizeof(struct segment) > len - h->phoff)
		return "truncated: program headers lie outside the file";
	return NULL;
}

static const char *check_segment(const struct segment *s, size_t len)
{
	if (s->offset > len || s->filesz > len - s->offset)
		return "truncated: a segment lies outside the file";
	if (s->filesz > s->memsz)
		return "a segment is larger in the file than in memory";
	if (s->vaddr < USER_MIN || s->vaddr > USER_END || s->memsz > USER_END - s->vaddr)
		return "a segment lies outside the user half";
	if (s->vaddr < USER_STACK_TOP && s->vaddr + s->memsz > USER_STACK_TOP - USER_STACK_SIZE)
		return "a segment lies where the stack will be";
	if (s->vaddr % PAGE_SIZE != s->offset % PAGE_SIZE)
		return "a segment is misaligned against its place in the file";
	if ((s->flags & (PF_W | PF_X)) == (PF_W | PF_X))
		return "a segment is both writable and executable";
	return NULL;
}

/* Does @s share a page with a segment that was read before it? */
static bool overlaps(const struct program *p, const struct segment *s)
{
	for (const struct segment *o = p->loads; o < p->loads + p->count; o++)
		if (first_page(s) < end_page(o) && first_page(o) < end_page(s))
			return true;
	return false;
}

static const char *read_segments(struct program *p, const char *image, size_t len)
{
	for (unsigned i = 0; i < p->header.phnum; i++) {
		struct segment *s = &p->loads[p->count];
		const char *wrong;

		memcpy(s, image + p->header.phoff + i * sizeof(*s), sizeof(*s));
		if (s->type == PT_INTERP || s->type == PT_DYNAMIC)
			return "dynamically linked";
		if (s->type != PT_LOAD || (!s->memsz && !s->filesz))
			continue;
		wrong = check_segment(s, len);
		if (wrong)
			return wrong;
		if (overlaps(p, s))
			return "two segments overlap, or share a page";
		p->count++;
	}
	return p->count ? NULL : "no loadable segment";
}

static const char *check_entry(const struct program *p)
{
	uint64_t at = p->header.entry;

	for (unsigned i = 0; i < p->count; i++) {
		const struct segment *s = &p->loads[i];

		if ((s->flags & PF_X) && at >= s->vaddr && at - s->vaddr < s->memsz)
			return NULL;
	}
	return "the entry point is in no executable segment";
}

static const char *check_program(struct program *p, const char *image, size_t len)
{
	const char *wrong;

	p->count = 0;
	if (len < sizeof(p->header))
		return "truncated: shorter than an ELF header";
	memcpy(&p->header, image, sizeof(p->header));	/* @image need not be aligned */
	wrong = check_header(&p->header, len);
	if (!wrong)
		wrong = read_segments(p, image, len);
	return wrong ? wrong : check_entry(p);
}

static uint64_t rights(const struct segment *s)
{
	return (s->flags & PF_W ? PTE_W : 0) | (s->flags & PF_X ? 0 : PTE_NX);
}

/* Copy the segment's file bytes in, page by page; the rest of it is demand-zero. */
static int fill(struct aspace *as, const struct segment *s, const char *image)
{
	uint64_t done = 0;

	while (done < s->filesz) {
		uint64_t va = s->vaddr + done, in_page = va % PAGE_SIZE;
		uint64_t n = PAGE_SIZE - in_page;
		char *page = aspace_populate(as, page_down(va));

		if (!page)
			return -ENOMEM;
		if (n > s->filesz - done)
			n = s->filesz - done;
		memcpy(page + in_page, image + s->offset + done, n);
		done += n;
		if (sched_point())
			return -EINTR;
	}
	return 0;
}

int elf_load(struct aspace *as, const void *image, size_t len, uint64_t *entry, const char **why)
{
	struct program p;
	int err = 0;

	*why = check_program(&p, image, len);
	if (*why)
		return -ENOEXEC;
	for (unsigned i = 0; i < p.count && !err; i++) {
		const struct segment *s = &p.loads[i];

		err = aspace_add_region(as, first_page(s), end_page(s) - first_page(s), rights(s));
		if (!err)
			err = fill(as, s, image);
	}
	*entry = p.header.entry;
	return err;
}
