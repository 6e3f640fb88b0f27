/* SPDX-License-Identifier: MIT */
/*
 * regionpool.c - the memory of a space's regions: a few places in the space itself, then frames of
 * its own.
 *
 * Regions of two spaces never share a frame, as objects of the heap would.  So a space is charged
 * for exactly what its regions keep from others, also when it keeps one in each frame and gives the
 * rest back.
 */
#include "mm/frames.h"
#include "mm/pagetable.h"
#include "mm/physmap.h"
#include "mm/region.h"

#define FRAMES_STEP 16			/* that regionpool_free_step() frees */

/* At the start of a frame. Those with a free place come first in the space's list. */
struct region_page {
	struct list link;
	uint64_t pa;
	uint64_t free;			/* bit per place */
	struct region places[];
};

#define PLACES ((PAGE_SIZE - sizeof(struct region_page)) / sizeof(struct region))
#define ALL_FREE ((1ul << PLACES) - 1)

_Static_assert(PLACES < 64, "a word has a bit for each place");

void regionpool_init(struct aspace *as)
{
	list_init(&as->region_pages);
	as->own_free = (1u << REGIONS_OWN) - 1;
}

static struct region_page *page_of_link(struct list *link)
{
	return LIST_OBJECT(link, struct region_page, link);
}

/* A page with a free place, or NULL. */
static struct region_page *page_with_room(const struct aspace *as)
{
	struct region_page *page;

	if (list_empty(&as->region_pages))
		return NULL;
	page = page_of_link(as->region_pages.next);
	return page->free ? page : NULL;
}

bool regionpool_full(const struct aspace *as)
{
	return !as->own_free && !page_with_room(as);
}

bool regionpool_grow(struct aspace *as)
{
	uint64_t pa = frame_alloc();
	struct region_page *page;

	if (!pa)
		return false;
	page = phys_to_virt(pa);
	page->pa = pa;
	page->free = ALL_FREE;
	list_add(&as->region_pages, &page->link);
	as->frames++;
	return true;
}

static struct region *take_from_page(struct aspace *as, struct region_page *page)
{
	struct region *r = &page->places[__builtin_ctzl(page->free)];

	page->free &= page->free - 1;
	if (!page->free) {
		list_remove(&page->link);
		list_append(&as->region_pages, &page->link);
	}
	return r;
}

struct region *region_new(struct aspace *as, uint64_t start, uint64_t len, uint64_t flags)
{
	struct region *r;

	if (as->own_free) {
		r = &as->own_regions[__builtin_ctz(as->own_free)];
		as->own_free &= as->own_free - 1;
	} else {
		r = take_from_page(as, page_with_room(as));
	}
	*r = (struct region){ .start = start,
			      .end = start + len,
			      .flags = flags & (PTE_W | PTE_NX) };
	return r;
}

static void give_to_page(struct aspace *as, struct region *r)
{
	struct region_page *page = (struct region_page *)((uintptr_t)r & -PAGE_SIZE);

	page->free |= 1ul << (r - page->places);
	list_remove(&page->link);
	if (page->free == ALL_FREE) {
		as->frames--;
		frame_free(page->pa);
	} else {
		list_add(&as->region_pages, &page->link);
	}
}

void region_free(struct aspace *as, struct region *r)
{
	if (r >= as->own_regions && r < as->own_regions + REGIONS_OWN)
		as->own_free |= 1u << (r - as->own_regions);
	else
		give_to_page(as, r);
}

bool regionpool_free_step(struct aspace *as)
{
	for (unsigned i = 0; i < FRAMES_STEP && !list_empty(&as->region_pages); i++)
		frame_free(page_of_link(list_take_first(&as->region_pages))->pa);
	return list_empty(&as->region_pages);
}

/* --- for tests ---------------------------------------------------------------- */

uint64_t regionpool_frame(const struct list *link)
{
	return LIST_OBJECT(link, struct region_page, link)->pa;
}

bool regionpool_holds(const struct aspace *as, const struct region *r)
{
	if (r >= as->own_regions && r < as->own_regions + REGIONS_OWN)
		return !(as->own_free >> (r - as->own_regions) & 1);
	LIST_EACH(at, &as->region_pages) {
		const struct region_page *page = page_of_link(at);

		if (r >= page->places && r < page->places + PLACES)
			return !(page->free >> (r - page->places) & 1);
	}
	return false;
}
