/* SPDX-License-Identifier: MIT */
/* test_elf.c - the program loader: what it refuses, and that nothing is mapped then. */
/* sources: kernel/load/elf.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <elf.h>
#include <cmocka.h>
#include "kernel/abi.h"
#include "mm/aspace.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"

static bool must_leave;
bool sched_point(void);
bool sched_point(void) { return must_leave; }

int elf_load(struct aspace *as, const void *image, size_t len, uint64_t *entry, const char **why);

/* --- an address space that only remembers ------------------------------------- */

#define PAGES 16

static struct { uint64_t start, len, flags; } regions[16];
static unsigned region_count;
static struct { uint64_t va; char bytes[PAGE_SIZE]; } pages[PAGES];
static unsigned page_count, page_budget;

int aspace_add_region(struct aspace *as, uint64_t start, uint64_t len, uint64_t flags)
{
	(void)as;
	assert_true(region_count < 16);
	regions[region_count].start = start;
	regions[region_count].len = len;
	regions[region_count++].flags = flags;
	return 0;
}

void *aspace_populate(struct aspace *as, uint64_t va)
{
	(void)as;
	assert_int_equal(va % PAGE_SIZE, 0);
	for (unsigned i = 0; i < page_count; i++)
		if (pages[i].va == va)
			return pages[i].bytes;
	if (page_count == page_budget)
		return NULL;
	pages[page_count].va = va;
	return pages[page_count++].bytes;
}

void *phys_to_virt(uint64_t pa)
{
	(void)pa;
	return NULL;
}

/* --- a good program ------------------------------------------------------------ */

#define FILE_BYTES 0x3000

static char *image;			/* exactly image_len bytes, on the heap */
static size_t image_len;
static Elf64_Ehdr eh;
static Elf64_Phdr ph[4];

static int setup(void **state)
{
	(void)state;
	region_count = page_count = 0;
	memset(pages, 0, sizeof(pages));
	page_budget = PAGES;
	image_len = FILE_BYTES;
	eh = (Elf64_Ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1, .e_entry = 0x401010,
		.e_phoff = 64, .e_ehsize = 64, .e_phentsize = 56, .e_phnum = 4,
	};
	ph[0] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 0x1000, 0x401000, 0, 0x900, 0x900, 0x1000 };
	ph[1] = (Elf64_Phdr){ PT_LOAD, PF_R, 0x1a00, 0x402a00, 0, 0x800, 0x800, 0x1000 };
	ph[2] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, 0x2300, 0x405300, 0, 0x10, 0x5000, 0x1000 };
	ph[3] = (Elf64_Phdr){ PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16 };
	return 0;
}

static int load(const char **why, uint64_t *entry)
{
	struct aspace as = { .tlb.root = 0 };
	int err;

	image = malloc(image_len ? image_len : 1);
	for (size_t i = 0; i < image_len; i++)
		image[i] = (char)(i * 7 + (i >> 8));
	memcpy(image, &eh, image_len < sizeof(eh) ? image_len : sizeof(eh));
	if (image_len > 64)
		memcpy(image + 64, ph, image_len - 64 < sizeof(ph) ? image_len - 64 : sizeof(ph));
	err = elf_load(&as, image, image_len, entry, why);
	free(image);
	return err;
}

static void refused(const char *part)
{
	const char *why = NULL;
	uint64_t entry;

	assert_int_equal(load(&why, &entry), -ENOEXEC);
	assert_non_null(why);
	if (!strstr(why, part))
		fail_msg("said \"%s\", not \"%s\"", why, part);
	assert_int_equal(region_count, 0);
	assert_int_equal(page_count, 0);
}

/* Refused with @field = @value, and with nothing else changed. */
#define REFUSED(field, value, part)						\
	do {									\
		setup(NULL);							\
		field = value;							\
		refused(part);							\
	} while (0)

static char byte_at(uint64_t va)
{
	for (unsigned i = 0; i < page_count; i++)
		if (va - pages[i].va < PAGE_SIZE)
			return pages[i].bytes[va - pages[i].va];
	fail_msg("page at 0x%lx was not filled", (unsigned long)va);
	return 0;
}

static void loads_a_program(void **state)
{
	const char *why;
	uint64_t entry = 0;

	(void)state;
	assert_int_equal(load(&why, &entry), 0);
	assert_null(why);
	assert_int_equal(entry, 0x401010);
	assert_int_equal(region_count, 3);
	assert_int_equal(regions[0].start, 0x401000);
	assert_int_equal(regions[0].len, 0x1000);
	assert_int_equal(regions[0].flags, 0);
	assert_int_equal(regions[1].start, 0x402000);
	assert_int_equal(regions[1].len, 0x2000);
	assert_int_equal(regions[1].flags, PTE_NX);
	assert_int_equal(regions[2].start, 0x405000);
	assert_int_equal(regions[2].len, 0x6000);
	assert_int_equal(regions[2].flags, PTE_NX | PTE_W);
	for (uint64_t i = 0; i < 0x800; i++)	/* across a page's end */
		assert_int_equal(byte_at(0x402a00 + i),
				 (char)((0x1a00 + i) * 7 + ((0x1a00 + i) >> 8)));
	assert_int_equal(byte_at(0x4029ff), 0);	/* what surrounds a segment in the file stays out */
	assert_int_equal(byte_at(0x405310), 0);
	assert_int_equal(page_count, 4);	/* the rest is demand-zero */
}

static void memory_runs_out(void **state)
{
	const char *why;
	uint64_t entry;

	(void)state;
	for (unsigned n = 0; n < 4; n++) {
		setup(NULL);
		page_budget = n;
		assert_int_equal(load(&why, &entry), -ENOMEM);
	}
}

static void stops_when_told_to(void **state)
{
	const char *why;
	uint64_t entry;

	(void)state;
	setup(NULL);
	must_leave = true;
	assert_int_equal(load(&why, &entry), -EINTR);
	must_leave = false;
	assert_int_equal(page_count, 1);
}

static void truncated_anywhere(void **state)
{
	(void)state;
	for (size_t len = 0; len < 0x2310; len += len < 300 ? 1 : 37) {
		setup(NULL);
		image_len = len;
		refused("truncated");
	}
}

static void wrong_headers(void **state)
{
	(void)state;
	for (int i = 0; i < 7; i++)
		REFUSED(eh.e_ident[i], 9, "ELF64");
	REFUSED(eh.e_machine, EM_386, "x86-64");
	REFUSED(eh.e_type, ET_DYN, "static");
	REFUSED(eh.e_version, 2, "version");
	REFUSED(eh.e_ehsize, 52, "size");
	REFUSED(eh.e_phentsize, 32, "size");
	REFUSED(eh.e_phnum, 0, "program headers");
	REFUSED(eh.e_phnum, 17, "program headers");
	REFUSED(eh.e_phnum, 0xffff, "program headers");
	REFUSED(eh.e_phoff, 65, "misaligned");
	REFUSED(eh.e_phoff, FILE_BYTES - 8, "outside");
	REFUSED(eh.e_phoff, ~7ul, "outside");
	REFUSED(ph[0].p_type, PT_INTERP, "dynamically");
	REFUSED(ph[3].p_type, PT_DYNAMIC, "dynamically");
	setup(NULL);
	ph[0].p_type = ph[1].p_type = ph[2].p_type = PT_NOTE;
	refused("no loadable");
}

static void segments_outside_the_file(void **state)
{
	(void)state;
	REFUSED(ph[1].p_offset, FILE_BYTES + 0xa00, "outside the file");
	REFUSED(ph[1].p_offset, ~0ul - 0x5ff, "outside the file");
	REFUSED(ph[1].p_filesz, ~0ul, "outside the file");
	REFUSED(ph[2].p_filesz, 0xd01, "outside the file");
	REFUSED(ph[1].p_filesz, 0x801, "larger in the file");
	REFUSED(ph[1].p_memsz, 0, "larger in the file");
}

static void segments_outside_the_user_half(void **state)
{
	(void)state;
	REFUSED(ph[0].p_vaddr, 0, "user half");
	REFUSED(ph[0].p_vaddr, USER_END, "user half");
	REFUSED(ph[0].p_vaddr, 0x0000800000000000, "user half");
	REFUSED(ph[0].p_vaddr, KERNEL_IMAGE_BASE, "user half");
	REFUSED(ph[0].p_vaddr, 0xfffffffffffff000, "user half");
	REFUSED(ph[2].p_memsz, ~0ul, "user half");
	REFUSED(ph[2].p_memsz, 0x0000800000000000, "user half");
	REFUSED(ph[2].p_memsz, USER_END - ph[2].p_vaddr + 1, "user half");
}

/* spawn() puts the stack there, after the program. */
static void segments_in_the_stack(void **state)
{
	(void)state;
	REFUSED(ph[0].p_vaddr, USER_STACK_TOP - USER_STACK_SIZE, "stack");
	REFUSED(ph[0].p_vaddr, USER_STACK_TOP - PAGE_SIZE, "stack");
	REFUSED(ph[2].p_memsz, USER_STACK_TOP - USER_STACK_SIZE - ph[2].p_vaddr + 1, "stack");
	REFUSED(ph[2].p_memsz, USER_END - ph[2].p_vaddr, "stack");
	REFUSED(ph[0].p_vaddr, USER_STACK_TOP, "entry");	/* above it is room, and nothing
								 * to run here */
	REFUSED(ph[0].p_vaddr, USER_STACK_TOP - USER_STACK_SIZE - PAGE_SIZE, "entry");
}

static void misaligned_and_overlapping(void **state)
{
	(void)state;
	REFUSED(ph[0].p_vaddr, 0x401008, "misaligned");
	REFUSED(ph[1].p_offset, 0x1a01, "misaligned");
	REFUSED(ph[1].p_vaddr, 0x401a00, "overlap");	/* apart, but in one page */
	REFUSED(ph[2].p_vaddr, 0x403300, "overlap");
	REFUSED(ph[2].p_vaddr, 0x3ff300, "overlap");	/* begins below, reaches over all */
	setup(NULL);
	ph[3] = ph[0];
	refused("overlap");
}

static void rights_and_entry(void **state)
{
	(void)state;
	REFUSED(ph[0].p_flags, PF_R | PF_W | PF_X, "writable and executable");
	REFUSED(eh.e_entry, 0, "entry");
	REFUSED(eh.e_entry, 0x402a00, "entry");
	REFUSED(eh.e_entry, 0x401900, "entry");
	REFUSED(eh.e_entry, 0x400fff, "entry");
	REFUSED(eh.e_entry, ~0ul, "entry");
	REFUSED(ph[0].p_flags, PF_R, "entry");
}

/* Random damage to the headers: an error or a program inside the user half, never a wild access. */
static void random_damage(void **state)
{
	uint64_t seed = 4242;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		const char *why;
		uint64_t entry;
		int err;

		setup(NULL);
		for (int k = 0; k < 2; k++) {
			seed = seed * 6364136223846793005ul + 1442695040888963407ul;
			size_t at = (seed >> 33) % (sizeof(eh) + sizeof(ph));

			if (at < sizeof(eh))
				((char *)&eh)[at] ^= (char)(seed >> 20);
			else
				((char *)ph)[at - sizeof(eh)] ^= (char)(seed >> 20);
		}
		err = load(&why, &entry);
		assert_true(err == 0 || err == -ENOEXEC);
		if (err)
			assert_int_equal(region_count + page_count, 0);
		for (unsigned r = 0; r < region_count; r++)
			assert_true(regions[r].start >= USER_MIN &&
				    regions[r].start + regions[r].len <=
					    USER_STACK_TOP - USER_STACK_SIZE);
	}
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(loads_a_program), TEST(memory_runs_out), TEST(stops_when_told_to),
		TEST(truncated_anywhere), TEST(wrong_headers), TEST(segments_outside_the_file),
		TEST(segments_outside_the_user_half), TEST(segments_in_the_stack),
		TEST(misaligned_and_overlapping), TEST(rights_and_entry),
		TEST(random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
