/* SPDX-License-Identifier: MIT */
/*
 * pagetable.c - 4-level page tables.
 *
 * An entry that points at a table keeps, in bits that the processor ignores
 * there (61:52, SDM vol. 3A, table 4-20), how many entries of that table are in
 * use.  So unmapping knows at once which tables became empty.  A top-level
 * entry may be copied into other roots: only the root that maps through it
 * counts.
 */
#include "mm/pagetable.h"
#include "kernel/abi.h"
#include "mm/frames.h"

#define COUNT_ONE	(1ul << 52)
#define COUNT_MASK	(1023ul << 52)
#define LEVELS		4

static uint64_t pages_in_use;

uint64_t pt_pages(void)
{
	return __atomic_load_n(&pages_in_use, __ATOMIC_RELAXED);
}

static uint64_t *table_at(uint64_t entry)
{
	return phys_to_virt(entry & PTE_ADDR);
}

/* Put a new, empty table behind @e. Kernel-half tables are never U: a wrong leaf there stays closed to
 * the user. */
static int make_table(uint64_t *e, uint64_t va)
{
	uint64_t pa = frame_alloc_zeroed();

	if (!pa)
		return -ENOMEM;
	__atomic_add_fetch(&pages_in_use, 1, __ATOMIC_RELAXED);
	*e = pa | PTE_P | PTE_W | (va >> 63 ? 0 : PTE_U);
	return 0;
}

static void free_table(uint64_t pa)
{
	__atomic_sub_fetch(&pages_in_use, 1, __ATOMIC_RELAXED);
	frame_free(pa);
}

/*
 * Unlink the tables on @path that are empty, from level 1 up.  path[l] is the
 * entry at level l, pointing at a table of level l - 1.  They are chained
 * through their first word: a frame's address reads as a not-present entry, so
 * a processor that still walks through a cached copy of the link finds nothing.
 */
static void prune(uint64_t *path[LEVELS + 1], uint64_t *tables)
{
	for (unsigned l = 2; l <= LEVELS; l++) {
		if (!path[l])
			continue;
		if (*path[l] & COUNT_MASK)
			return;
		uint64_t pa = *path[l] & PTE_ADDR;

		*path[l] = 0;
		*(uint64_t *)phys_to_virt(pa) = *tables;
		*tables = pa;
		if (l < LEVELS)
			*path[l + 1] -= COUNT_ONE;
	}
}

void pt_free_list(uint64_t tables)
{
	while (tables) {
		uint64_t next = *(uint64_t *)phys_to_virt(tables);

		free_table(tables);
		tables = next;
	}
}

/* Find the entry for @va at @level, making tables; path[] as for prune(). A failure leaves nothing. */
static int descend(uint64_t root, uint64_t va, unsigned level, uint64_t *path[LEVELS + 1])
{
	uint64_t *table = phys_to_virt(root), tables = 0;
	int err = 0;

	for (unsigned l = LEVELS; l > level; l--) {
		uint64_t *e = &table[pt_index(va, l)];

		if (!(*e & PTE_P)) {
			err = make_table(e, va);
			if (err)
				break;
			if (l < LEVELS)
				*path[l + 1] += COUNT_ONE;
		} else if (*e & PTE_PS) {
			return -EEXIST;	/* nothing was made on the way: new tables are empty */
		}
		path[l] = e;
		table = table_at(*e);
	}
	if (err) {
		prune(path, &tables);
		pt_free_list(tables);	/* never had a leaf: no processor can have used them */
		return err;
	}
	path[level] = &table[pt_index(va, level)];
	return 0;
}

int pt_map_large(uint64_t root, uint64_t va, uint64_t pa, uint64_t flags, unsigned level)
{
	uint64_t *path[LEVELS + 1] = { 0 };
	int err = descend(root, va, level, path);

	if (err)
		return err;
	if (*path[level] & PTE_P)
		return -EEXIST;
	*path[level] = pa | flags | PTE_P | (level > 1 ? PTE_PS : 0);
	*path[level + 1] += COUNT_ONE;
	return 0;
}

/* The page-fault path: the tables are nearly always there, so look before building a path. */
int pt_map(uint64_t root, uint64_t va, uint64_t pa, uint64_t flags)
{
	uint64_t *table = phys_to_virt(root), *up = table;

	for (unsigned l = LEVELS; l > 1; l--) {
		up = &table[pt_index(va, l)];
		if ((*up & (PTE_P | PTE_PS)) != PTE_P)
			return pt_map_large(root, va, pa, flags, 1);
		table = table_at(*up);
	}
	uint64_t *leaf = &table[pt_index(va, 1)];

	if (*leaf & PTE_P)
		return -EEXIST;
	*leaf = pa | flags | PTE_P;
	*up += COUNT_ONE;
	return 0;
}

uint64_t pt_unmap(uint64_t root, uint64_t va, uint64_t *tables)
{
	uint64_t *path[LEVELS + 1] = { 0 };
	uint64_t *table = phys_to_virt(root), old;

	for (unsigned l = LEVELS; l > 1; l--) {
		path[l] = &table[pt_index(va, l)];
		if ((*path[l] & (PTE_P | PTE_PS)) != PTE_P)
			return 0;
		table = table_at(*path[l]);
	}
	uint64_t *leaf = &table[pt_index(va, 1)];

	old = *leaf;
	if (!(old & PTE_P))
		return 0;
	*leaf = 0;
	*path[2] -= COUNT_ONE;
	prune(path, tables);
	return old;
}

uint64_t *pt_lookup(uint64_t root, uint64_t va, unsigned *level)
{
	uint64_t *table = phys_to_virt(root);

	for (unsigned l = LEVELS; l; l--) {
		uint64_t *e = &table[pt_index(va, l)];

		if (!(*e & PTE_P))
			return NULL;
		if (l == 1 || (*e & PTE_PS)) {
			*level = l;
			return e;
		}
		table = table_at(*e);
	}
	return NULL;
}

struct walk {
	uint64_t from, last;		/* inclusive: a walk can end at the top of memory */
	bool (*fn)(void *ctx, uint64_t va, uint64_t entry, uint64_t access, unsigned level);
	void *ctx;
};

/* Walk a table of @level whose first entry translates @base; @access is that of the path above. */
static bool walk_table(const struct walk *w, uint64_t *table, uint64_t base, uint64_t access,
		       unsigned level)
{
	uint64_t span = 1ul << (PAGE_SHIFT + 9 * (level - 1));

	for (unsigned i = base < w->from ? pt_index(w->from, level) : 0; i < 512; i++) {
		uint64_t e = table[i], va = base + i * span, a;

		if (level == LEVELS && i >= 256)
			va |= 0xffff000000000000ul;	/* canonical */
		if (va > w->last)
			return true;
		if (!(e & PTE_P))
			continue;
		a = (access & e & (PTE_W | PTE_U)) | ((access | e) & PTE_NX);
		if (level == 1 || (e & PTE_PS)) {
			if (!w->fn(w->ctx, va, e, a, level))
				return false;
		} else if (!walk_table(w, table_at(e), va, a, level - 1)) {
			return false;
		}
	}
	return true;
}

void pt_walk(uint64_t root, uint64_t from, uint64_t to,
	     bool (*fn)(void *ctx, uint64_t va, uint64_t entry, uint64_t access, unsigned level),
	     void *ctx)
{
	struct walk w = { .from = from, .last = to - 1, .fn = fn, .ctx = ctx };

	if (from < to)
		walk_table(&w, phys_to_virt(root), 0, PTE_W | PTE_U, LEVELS);
}

static void free_tables(uint64_t *table, unsigned first, unsigned last, unsigned level)
{
	for (unsigned i = first; i < last; i++) {
		uint64_t e = table[i];

		if (!(e & PTE_P) || (e & PTE_PS))
			continue;
		table[i] = 0;
		if (level > 2)
			free_tables(table_at(e), 0, 512, level - 1);
		free_table(e & PTE_ADDR);
	}
}

void pt_free_tables(uint64_t root, unsigned first, unsigned last)
{
	free_tables(phys_to_virt(root), first, last, LEVELS);
}

int pt_fill_slot(uint64_t root, unsigned slot)
{
	uint64_t *e = (uint64_t *)phys_to_virt(root) + slot;
	int err = 0;

	if (!(*e & PTE_P))
		err = make_table(e, slot >= 256 ? ~0ul : 0);
	if (!err)
		*e += COUNT_ONE;	/* one that no entry accounts for: never unlinked */
	return err;
}
