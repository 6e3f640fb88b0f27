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
#include "arch/x86_64/hw.h"
#include "kernel/abi.h"
#include "mm/frames.h"
#include "mm/pagetable_internal.h"

#define COUNT_ONE	(1ul << 52)
#define COUNT_MASK	(1023ul << 52)

static uint64_t pages_in_use;

uint64_t pt_pages(void)
{
	return __atomic_load_n(&pages_in_use, __ATOMIC_RELAXED);
}

/* Put a new, empty table below @e. Kernel-half tables are never U: a wrong leaf there stays
 * closed to the user. */
static int make_table(uint64_t *e, uint64_t va)
{
	uint64_t pa = frame_alloc_zeroed();

	if (!pa)
		return -ENOMEM;
	__atomic_add_fetch(&pages_in_use, 1, __ATOMIC_RELAXED);
	*e = pa | PTE_P | PTE_W | (va >> 63 ? 0 : PTE_U);
	return 0;
}

void free_table(uint64_t pa)
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
static void prune(uint64_t *path[LEVELS + 1], struct pt_list *gone)
{
	for (unsigned l = 2; l <= LEVELS; l++) {
		if (!path[l])
			continue;
		if (*path[l] & COUNT_MASK)
			return;
		uint64_t pa = *path[l] & PTE_ADDR;

		*path[l] = 0;
		*(uint64_t *)phys_to_virt(pa) = gone->first;
		gone->first = pa;
		gone->count++;
		if (l < LEVELS)
			*path[l + 1] -= COUNT_ONE;
	}
}

void pt_free_list(const struct pt_list *gone)
{
	uint64_t next;

	for (uint64_t pa = gone->first; pa; pa = next) {
		next = *(uint64_t *)phys_to_virt(pa);
		free_table(pa);
	}
}

/* Free a chain that make_chain() left unfinished: @e leads to its highest table. */
static void free_chain(uint64_t e, uint64_t va, unsigned l)
{
	while (e & PTE_P) {
		uint64_t next = table_at(e)[pt_index(va, --l)];

		free_table(e & PTE_ADDR);
		e = next;
	}
}

/*
 * Make the tables between entry @e of @l, which is empty, and @level; path[] as for prune().  They
 * become visible in one store, when all are there: once a processor can see a table it may keep the
 * pointer, leaf or no leaf, and then only a flush allows to free it (SDM vol. 3A, 4.10.3.1,
 * 4.10.4.2).  A failure leaves nothing.
 */
static int make_chain(uint64_t *e, uint64_t va, unsigned l, unsigned level,
		      uint64_t *path[LEVELS + 1])
{
	uint64_t head = 0, *first = BUG(LINK_EARLY) ? e : &head, *at = first;

	for (unsigned i = l; i > level; i--) {
		if (make_table(at, va)) {
			free_chain(*first, va, l);
			*first = 0;
			path[l] = NULL;
			return -ENOMEM;
		}
		if (i < l)
			*path[i + 1] += COUNT_ONE;
		path[i] = at;
		at = &table_at(*at)[pt_index(va, i - 1)];
	}
	hw_step();
	__atomic_store_n(e, *first, __ATOMIC_RELEASE);
	path[l] = e;
	path[level] = at;
	if (l < LEVELS)
		*path[l + 1] += COUNT_ONE;
	return 0;
}

/* Find the entry for @va at @level, making tables, which are counted in *@made; path[] as for
 * prune(). */
static int descend(uint64_t root, uint64_t va, unsigned level, uint64_t *path[LEVELS + 1],
		   uint64_t *made)
{
	uint64_t *table = phys_to_virt(root);

	for (unsigned l = LEVELS; l > level; l--) {
		uint64_t *e = &table[pt_index(va, l)];

		if (!(*e & PTE_P)) {
			int err = make_chain(e, va, l, level, path);

			if (!err && made)
				*made += l - level;
			return err;
		}
		if (*e & PTE_PS)
			return -EEXIST;
		path[l] = e;
		table = table_at(*e);
	}
	path[level] = &table[pt_index(va, level)];
	return 0;
}

int pt_prepare(uint64_t root, uint64_t va)
{
	uint64_t *path[LEVELS + 1] = { 0 };

	return descend(root, va, 1, path, NULL);
}

static __attribute__((noinline)) int map_at(uint64_t root, uint64_t va, uint64_t pa, uint64_t flags,
					    unsigned level, uint64_t *made)
{
	uint64_t *path[LEVELS + 1] = { 0 };
	int err = descend(root, va, level, path, made);

	if (err)
		return err;
	if (*path[level] & PTE_P)
		return -EEXIST;
	*path[level] = pa | flags | PTE_P | (level > 1 ? PTE_PS : 0);
	*path[level + 1] += COUNT_ONE;
	return 0;
}

int pt_map_large(uint64_t root, uint64_t va, uint64_t pa, uint64_t flags, unsigned level)
{
	return map_at(root, va, pa, flags, level, NULL);
}

/* The page-fault path: the tables are nearly always there, so look before building a path. */
int pt_map(uint64_t root, uint64_t va, uint64_t pa, uint64_t flags, uint64_t *made)
{
	uint64_t *table = phys_to_virt(root), *up = table;

	for (unsigned l = LEVELS; l > 1; l--) {
		up = &table[pt_index(va, l)];
		if ((*up & (PTE_P | PTE_PS)) != PTE_P)
			return map_at(root, va, pa, flags, 1, made);
		table = table_at(*up);
	}
	uint64_t *leaf = &table[pt_index(va, 1)];

	if (*leaf & PTE_P)
		return -EEXIST;
	*leaf = pa | flags | PTE_P;
	*up += COUNT_ONE;
	return 0;
}

uint64_t pt_unmap(uint64_t root, uint64_t va, struct pt_list *gone)
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
	hw_step();
	if (gone)
		prune(path, gone);
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
