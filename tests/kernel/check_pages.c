/* SPDX-License-Identifier: MIT */
/* check_pages.c - every root against the regions, the threads and the other roots, and every frame
 * once. */
#include "tests/kernel/check_pages.h"
#include "arch/x86_64/cpu.h"
#include "entry/design.h"
#include "entry/trampoline.h"
#include "kernel/object/process.h"
#include "mm/frames.h"
#include "mm/kspace.h"
#include "mm/physmap.h"
#include "mm/region.h"

#define LOWER_END	0x0000800000000000ul
#define RIGHTS		(PTE_W | PTE_U | PTE_NX | PTE_PS)
#define TABLE_BITS	(PTE_ADDR | PTE_P | PTE_W | PTE_U | PTE_NX)

static uint64_t va_of_slot(unsigned slot)
{
	return (uint64_t)slot << 39 | (slot >= 256 ? 0xffff000000000000ul : 0);
}

static const uint64_t *entries_of(uint64_t root)
{
	return phys_to_virt(root);
}

static const char *mark_roots(struct tables *t, uint64_t root)
{
	const char *wrong = mark_frame(t, root, "root");

	return !wrong && entry_mixed() ? mark_frame(t, root + PAGE_SIZE, "user root") : wrong;
}

/* --- the kernel half ------------------------------------------------------------------- */

static bool in_pools(uint64_t va)
{
	return (va >= KSTACK_AREA_BASE && va < MMIO_AREA_BASE) ||
	       (va >= CPU_ENTRY_AREA_BASE && va < KERNEL_IMAGE_BASE);
}

static const char *kernel_leaf(struct tables *t, uint64_t va, uint64_t e, unsigned level)
{
	(void)level;
	MUST(!(e & PTE_U), "the kernel's page at 0x%lx is open to programs", va);
	MUST((e & PTE_NX) || !(e & PTE_W), "the kernel's page at 0x%lx is W and X", va);
	return in_pools(va) ? mark_frame(t, e & PTE_ADDR, "page of the kernel") : NULL;
}

static bool marks_none(uint64_t va)
{
	(void)va;
	return false;
}

static bool marks_all(uint64_t va)
{
	(void)va;
	return true;
}

/* What a user root shows of the kernel half is what the kernel root has there; Global there and not
 * here would mean that it stays when it should not. */
static const char *shown_leaf(struct tables *t, uint64_t va, uint64_t e, unsigned level)
{
	unsigned kernel_level;
	const uint64_t *k = pt_lookup(kspace_boot_root(), va, &kernel_level);

	MUST(k && kernel_level == level && !((*k ^ e) & (PTE_ADDR | RIGHTS | PTE_G)),
	     "%s %u: its user root shows another page at 0x%lx than the kernel root", t->whose,
	     t->pid, va);
	return NULL;
}

/* The shared slots of @root, which alone count. */
static const char *check_shared(struct tables *t, uint64_t root)
{
	const uint64_t *e = entries_of(root);
	const char *wrong = NULL;

	for (unsigned slot = 256; slot < 512 && !wrong; slot++)
		if (e[slot] & PTE_P)
			wrong = check_tree(t, e[slot], va_of_slot(slot), 4, 1);
	return wrong;
}

/* May every user root of @d show @va? */
static bool is_for(const struct entry_design *d, uint64_t va)
{
	uint64_t page = (va - CEA_FIRST_BLOCK) / PAGE_SIZE % CEA_BLOCK_PAGES;

	if (va < CEA_FIRST_BLOCK)
		return va == cea_idt(d->number);
	if (va < TRAMPOLINE_AREA_BASE)
		return page <= CEA_DOOR_PAGE || page == d->entry_stack;
	return entry_shows(d, va);
}

static const char *template_leaf(struct tables *t, uint64_t va, uint64_t e, unsigned level)
{
	const struct entry_design *d = t->of;

	MUST(is_for(d, va), "the template of %s shows 0x%lx, which is not for it", d->name, va);
	return shown_leaf(t, va, e, level);
}

static const char *check_template(struct tables *t, const struct entry_design *d)
{
	uint64_t root = kspace_template(d);
	const char *wrong = root ? mark_frame(t, root, "template") : NULL;

	t->of = d;
	for (unsigned slot = 0; root && !wrong && slot < 256; slot++)
		MUST(!entries_of(root)[slot], "the template of %s has slot %u, a program's",
		     d->name, slot);
	return root && !wrong ? check_shared(t, root) : wrong;
}

static const char *check_kernel_half(struct tables *t)
{
	uint64_t root = kspace_boot_root();
	const char *wrong = mark_roots(t, root);

	t->whose = "space";
	t->leaf = kernel_leaf;
	t->marks = in_pools;
	if (!wrong)
		wrong = check_shared(t, root);
	t->leaf = template_leaf;
	t->marks = marks_none;
	for (unsigned n = 0; n < entry_design_count() && !wrong; n++)
		wrong = check_template(t, entry_design_at(n));
	return wrong;
}

/* --- a space ------------------------------------------------------------------------------ */

static const char *user_leaf(struct tables *t, uint64_t va, uint64_t e, unsigned level)
{
	const struct aspace *as = t->of;
	const struct region *r = as->regions;

	(void)level;
	if (as->destroyed)
		return mark_frame(t, e & PTE_ADDR, "page");
	while (r && !(va >= r->start && va < r->end))
		r = va < r->start ? r->left : r->right;
	MUST(r, "process %u has a page at 0x%lx, in no region", t->pid, va);
	MUST((e & RIGHTS) == (r->flags | PTE_U),
	     "process %u: the page at 0x%lx has other rights than its region", t->pid, va);
	MUST(!(e & PTE_G), "process %u: the page at 0x%lx is Global", t->pid, va);
	return mark_frame(t, e & PTE_ADDR, "page");
}

/* The two halves of the pair show a program's pages through the same tables. */
static const char *check_slot(const struct tables *t, uint64_t k, uint64_t u, unsigned slot)
{
	MUST(!(k & PTE_P) || (u & TABLE_BITS) == (k & (TABLE_BITS & ~PTE_NX)),
	     "process %u: slot %u of its two roots differs", t->pid, slot);
	MUST((k & PTE_P) || !u, "process %u: slot %u is in its user root alone", t->pid, slot);
	MUST(!(k & PTE_P) || (k & PTE_NX),
	     "process %u: slot %u can be executed on the kernel's table", t->pid, slot);
	return NULL;
}

/* A space without a user root has an empty half all the same. */
static const char *check_empty_half(const struct tables *t, const struct aspace *as)
{
	const uint64_t *k = entries_of(as->tlb.root);

	for (unsigned slot = 0; slot < 512; slot++) {
		MUST(!entry_mixed() || !k[512 + slot],
		     "process %u: slot %u is in the half that its design does not use", t->pid,
		     slot);
		MUST(slot >= 256 || !(k[slot] & PTE_P) || !(k[slot] & PTE_NX),
		     "process %u: slot %u cannot be executed on the one table", t->pid, slot);
	}
	return NULL;
}

static const char *check_lower_half(struct tables *t, const struct aspace *as)
{
	const uint64_t *k = entries_of(as->tlb.root), *u = entries_of(aspace_user_cr3(as));
	const char *wrong = as->tlb.split ? NULL : check_empty_half(t, as);

	t->leaf = user_leaf;
	t->marks = marks_all;
	for (unsigned slot = 0; slot < 256 && !wrong; slot++) {
		if (!as->destroyed && as->tlb.split)
			wrong = check_slot(t, k[slot], u[slot], slot);
		if (!wrong && (k[slot] & PTE_P))
			wrong = check_tree(t, k[slot], va_of_slot(slot), 4, 0);
	}
	return wrong;
}

/* What is no tree of the space's own is the boot root's, or its design's template's. */
static const char *check_upper_half(struct tables *t, const struct aspace *as)
{
	const uint64_t *k = entries_of(as->tlb.root), *u = entries_of(aspace_user_cr3(as));
	const uint64_t *boot = entries_of(kspace_boot_root());
	const uint64_t *shared = as->tlb.split ? entries_of(kspace_template(as->design)) : boot;
	const char *wrong = NULL;

	t->leaf = shown_leaf;
	for (unsigned slot = 256; slot < 512 && !wrong; slot++) {
		MUST(!((k[slot] ^ boot[slot]) & TABLE_BITS),
		     "process %u: slot %u of its kernel root is not the boot root's", t->pid, slot);
		if (shared[slot] & PTE_P)
			MUST(!((u[slot] ^ shared[slot]) & TABLE_BITS),
			     "process %u: slot %u of its user root is not all's", t->pid, slot);
		else if (u[slot] & PTE_P)
			wrong = check_tree(t, u[slot], va_of_slot(slot), 4, 0);
	}
	return wrong;
}

static const char *check_trampolines(const struct process *p, uint64_t private_pages)
{
	uint64_t n = 0;
	unsigned level;

	LIST_EACH(at, &p->threads) {
		const struct thread *t = LIST_OBJECT(at, struct thread, sibling);
		const struct trampoline *own = trampoline_of(t);
		const uint64_t *e;

		if (!own)
			continue;
		n++;
		e = pt_lookup(aspace_user_cr3(p->as), own->top - PAGE_SIZE, &level);
		MUST(e && (*e & PTE_ADDR) == own->pa,
		     "process %u: thread %u has no trampoline where it lands", p->pid, t->tid);
	}
	MUST(n == private_pages, "process %u shows %lu trampolines, and its threads have %lu",
	     p->pid, private_pages, n);
	return NULL;
}

static const char *mark_region_pages(struct tables *t, const struct aspace *as)
{
	const char *wrong = NULL;

	LIST_EACH(at, &as->region_pages) {
		MUST(at->next->before == at && at->before->next == at,
		     "process %u: the links of its frames of regions do not match", as->pid);
		wrong = mark_frame(t, regionpool_frame(at), "frame of regions");
		if (wrong)
			break;
	}
	return wrong;
}

static const char *check_charge(const struct process *p, uint64_t frames)
{
	const struct aspace *as = p->as;

	LIST_EACH(at, &as->region_pages)
		frames++;
	MUST(as->frames == frames, "process %u: its space counts %lu frames, and has %lu", p->pid,
	     as->frames, frames);
	MUST(as->charged >= as->frames,
	     "process %u: its space has %lu frames, and is charged for %lu", p->pid, as->frames,
	     as->charged);
	return NULL;
}

static const char *check_space(struct tables *t, const struct process *p)
{
	const struct aspace *as = p->as;
	const char *wrong = mark_roots(t, as->tlb.root);
	uint64_t before = t->tables, pages;

	t->whose = "process";
	t->pid = p->pid;
	t->of = as;
	t->leaves = 0;
	t->no_counts = as->destroyed;
	t->first = as->destroyed < LOWER_END ? as->destroyed : 0;
	if (!wrong)
		wrong = check_lower_half(t, as);
	pages = t->leaves;
	t->leaves = t->first = 0;
	if (!wrong)
		wrong = check_upper_half(t, as);
	if (!wrong && !as->destroyed)
		wrong = check_trampolines(p, t->leaves);
	if (!wrong && !as->destroyed)
		wrong = check_charge(p, pages + t->tables - before);
	t->no_counts = false;
	return wrong ? wrong : mark_region_pages(t, as);
}

static const char *check_trees(struct tables *t)
{
	const char *wrong = check_kernel_half(t);

	for (struct process *p = process_next(NULL); p && !wrong; p = process_next(p))
		wrong = p->as ? check_space(t, p) : NULL;
	return wrong;
}

/* --- all ---------------------------------------------------------------------------------- */

/* What nobody can find is held by a program that is being started; there is none without one. */
static const char *check_totals(const struct tables *t, const struct invariants *i)
{
	bool exact = !i->unpublished;
	uint64_t tables = pt_pages(), frames = frames_used();

	MUST(exact ? t->tables == tables : t->tables <= tables,
	     "%lu page-table pages are counted, and there are %lu", tables, t->tables);
	MUST(exact ? t->marked == frames : t->marked <= frames,
	     "%lu frames are handed out, and %lu are in use", frames, t->marked);
	return NULL;
}

const char *check_pages(const struct invariants *i)
{
	struct tables t = { .whose = "boot" }, undo = { .unmarking = true };
	const char *wrong;

	MUST(frames_agree(), "the maps of frames, their summary and their count do not agree");
	wrong = check_trees(&t);
	if (wrong)			/* the second walk says something, too */
		wrong = invariant_kept(wrong);
	undo.unmark = t.marked;
	check_trees(&undo);
	return wrong ? wrong : check_totals(&t, i);
}
