/* SPDX-License-Identifier: MIT */
/*
 * tlb.c - TLB coherence: loading roots, generations, shootdowns, PCIDs.
 *
 * The theory, with the argument why no order of events loses a flush, is in
 * mm/README.md.  Compiled on the host too, against a simulated machine.
 */
#include "mm/tlb.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/hw.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/xcall.h"
#include "kernel/console/panic.h"
#include "mm/tlb_internal.h"

static struct tlb_cpu states[MAX_CPUS];
static uint64_t kernel_generation, last_space;
static uint64_t kernel_cpus;		/* bit n: CPU n uses the kernel half */
static bool pcid;

bool tlb_pcid_wanted = true;
struct tlb_space tlb_boot_space;

bool tlb_pcid_in_use(void)
{
	return pcid;
}

void tlb_space_init(struct tlb_space *s, uint64_t root, bool split)
{
	/* A fresh tag, which says 0, is behind both generations. */
	*s = (struct tlb_space){
		.root = root, .split = split, .id = atomic_increment(&last_space),
		.generation = 1, .user_generation = 1,
	};
}

void tlb_space_check_left(const struct tlb_space *s)
{
	uint64_t left = atomic_read(&s->cpus);

	if (left)
		panic("address space freed while CPU %d has it loaded", __builtin_ctzl(left));
}

static inline const struct tlb_space *loaded(const struct tlb_cpu *c)
{
	return c->loaded ? c->loaded : &tlb_boot_space;
}

/* --- the words for CR3 ------------------------------------------------------- */

/* The word that loads one half of the loaded space's pair; with @keep and PCIDs it flushes
 * nothing. */
static inline uint64_t half_word(const struct tlb_cpu *c, bool user, bool keep)
{
	uint64_t root = loaded(c)->root + (user ? PAGE_SIZE : 0);

	if (!pcid)
		return root;
	return root | (uint64_t)(c->tag - c->tags) | (user ? CR3_USER : 0) | (keep ? CR3_KEEP : 0);
}

static inline uint64_t kernel_word(const struct tlb_cpu *c, bool keep)
{
	return half_word(c, false, keep);
}

static inline uint64_t user_word(const struct tlb_cpu *c, bool keep)
{
	bool split = BUG(WORD_OF_BOOT) ? tlb_boot_space.split : loaded(c)->split;

	return half_word(c, split || BUG(WORD_OF_UNSPLIT), keep);
}

/* Put into the door what the next flips load. A flip in never flushes. */
static void set_door(const struct tlb_cpu *c)
{
	bool due = c->tag->user_due;
	uint64_t kernel = kernel_word(c, true), user = user_word(c, !due);
	struct percpu *pc = hw_percpu();

	pc->kernel_cr3 = kernel;
	pc->user_cr3 = user;
	if (due)
		pc->work |= WORK_TLB;
}

/* Nothing that the TLB holds under the user root's id counts from the next flip out on, which
 * flushes it. Then it is clean of all that was unmapped before the counts are read. */
static void mark_user_root(struct tag *t, const struct tlb_space *s)
{
	t->user_lower = atomic_read(&s->generation);
	t->user_private = atomic_read(&s->user_generation);
	t->user_due = !BUG(SKIP_DEFERRED_USER);
}

/* Two exits: the first lets the flip out load a word that flushes, the second, which finds
 * nothing due, makes it the word that does not.  So no path tests for a flush, and each is done
 * once. */
void tlb_exit_work(void)
{
	struct tlb_cpu *c = &states[hw_cpu()];
	bool due = c->tag->user_due && !BUG(ARM_EARLY);

	c->tag->user_due = false;
	hw_percpu()->user_cr3 = user_word(c, !due);
	if (!due)
		hw_percpu()->work &= ~WORK_TLB;
}

/* --- loading a space ---------------------------------------------------------- */

/* Have nothing of the kernel half in this CPU's TLB that was unmapped before the count was read:
 * under any id, Global or not. INVLPG would leave the other ids' entries, with which the next
 * space would begin. */
static void flush_kernel_half(struct tlb_cpu *c)
{
	uint64_t now = atomic_read(&kernel_generation);

	if (c->kernel_seen == now || BUG(SKIP_KERNEL_FLUSH))
		return;
	if (BUG(FLUSH_ONE_ID))
		hw_write_cr3(kernel_word(c, false));
	else if (hw_has_invpcid())
		hw_invpcid(INVPCID_ALL, 0, 0);
	else
		hw_toggle_global();
	c->kernel_seen = now;
}

/* The tag that @s has on this CPU, or had and still has, or gets from the space that got one
 * longest ago. */
static struct tag *find_tag(struct tlb_cpu *c, const struct tlb_space *s)
{
	struct tag *t;

	for (t = &c->tags[1]; t < &c->tags[TAGS]; t++)
		if (t->space == s->id)
			return t;
	do {	/* NMIs still load the root that is being left, under its own id */
		t = &c->tags[1 + c->next_victim++ % (TAGS - 1)];
	} while (t == c->tag);
	if (BUG(SKIP_RECYCLED_FLUSH) && t->space)
		t->space = s->id;
	else if (BUG(KEEP_RECYCLED_USER) && t->space && !t->user_lower)	/* an unsplit one's */
		*t = (struct tag){ s->id, 0, s->generation, s->user_generation, false };
	else
		*t = (struct tag){ .space = s->id };
	return t;
}

/* The user root's part of catching up. An unsplit space has none, and nobody flushes what that id
 * holds: of the space while it was split, or of one that had the tag before. So nothing is noted,
 * and a mark that no flip out has met goes together with the note that it stood for. */
static void catch_up_user_root(struct tag *t, const struct tlb_space *s)
{
	bool split = BUG(KIND_OF_BOOT) ? tlb_boot_space.split : s->split;

	if (!split && !BUG(NOTE_UNSPLIT)) {
		t->user_due = false;
		t->user_lower = BUG(DROP_MARK) ? t->user_lower : 0;
	} else if (t->user_lower != atomic_read(&s->generation) ||
		   t->user_private != atomic_read(&s->user_generation)) {
		mark_user_root(t, s);
	}
}

/* Bring @t up to what @s says, root by root. True as below. */
static bool catch_up(struct tag *t, const struct tlb_space *s)
{
	uint64_t generation = atomic_read(&s->generation);
	bool behind = t->kernel_lower != generation;

	t->kernel_lower = generation;
	if (BUG(USER_BY_KERNEL) && !behind)
		t->user_lower = generation;
	catch_up_user_root(t, s);
	return behind && !BUG(SKIP_LOAD_FLUSH);
}

/* Give this CPU the tag of @s, brought up. True when the kernel root's load must flush. Without
 * PCIDs each does, and each flip out: one tag will do, which says nothing of the user root. */
static inline bool take_tag(struct tlb_cpu *c, const struct tlb_space *s)
{
	if (!pcid) {
		c->tags[0].kernel_lower = atomic_read(&s->generation);
		return false;
	}
	c->tag = find_tag(c, s);
	return catch_up(c->tag, s);
}

void tlb_load(struct tlb_space *s)
{
	struct tlb_cpu *c = &states[hw_cpu()];
	struct tlb_space *old = c->loaded;
	bool flush = false;

	if (s == old)
		return;
	if (s && !BUG(ENTER_LATE))
		atomic_set_bit(&s->cpus, hw_cpu());	/* before the generations are read */
	if (old && BUG(LEAVE_EARLY))
		atomic_clear_bit(&old->cpus, hw_cpu());
	c->loaded = s;
	if (s)
		flush = take_tag(c, s);
	else
		c->tag = &c->tags[0];
	if (s && BUG(ENTER_LATE))
		atomic_set_bit(&s->cpus, hw_cpu());
	hw_write_cr3(kernel_word(c, !flush));
	set_door(c);				/* an NMI in between loads the old root once more */
	if (old)
		atomic_clear_bit(&old->cpus, hw_cpu());	/* when nothing names it any more */
}

void tlb_init_cpu(struct cpu *cpu)
{
	struct tlb_cpu *c = &states[cpu->index];

	if (tlb_pcid_wanted && hw_has_pcid()) {
		hw_enable_pcid();
		pcid = true;
	}
	c->tag = &c->tags[0];
	c->kernel_seen = 0;
	if (!BUG(JOIN_LATE))
		atomic_set_bit(&kernel_cpus, hw_cpu());	/* before the count is read */
	flush_kernel_half(c);
	if (BUG(JOIN_LATE))
		atomic_set_bit(&kernel_cpus, hw_cpu());
	set_door(c);
}

void tlb_forget_cpu(const struct cpu *cpu)
{
	atomic_clear_bit(&kernel_cpus, cpu->index);
}

/* --- answering ---------------------------------------------------------------- */

/* Are single pages enough for @r, under an id that has seen @seen?  Only when it lacks this
 * generation and no other: a request that came between may still be on its way, and whoever skips
 * it must flush everything.  Then all that was unmapped before the generation was read is gone, so
 * it is read first. */
static bool pages_do(const struct request *r, uint64_t seen)
{
	return r->n <= TLB_BATCH && (r->generation == seen + 1 || BUG(SKIP_GAP));
}

/* The ids of a pair are behind each by itself: what is flushed under one does nothing for the
 * other. */
static void answer_for_kernel_root(struct tlb_cpu *c, const struct request *r)
{
	struct tag *t = c->tag;

	if (r->generation <= (BUG(KERNEL_BY_USER) ? t->user_lower : t->kernel_lower))
		return;
	if (pages_do(r, t->kernel_lower)) {
		t->kernel_lower = r->generation;
		for (unsigned i = 0; i < r->n && !BUG(SKIP_FLUSH); i++)
			hw_invlpg(r->va[i]);
	} else {
		t->kernel_lower = atomic_read(&r->space->generation);
		if (!BUG(SKIP_FLUSH))
			hw_write_cr3(kernel_word(c, false));
	}
}

static void answer_for_user_root(struct tlb_cpu *c, const struct request *r)
{
	struct tag *t = c->tag;
	uint64_t *seen = r->private ? &t->user_private : &t->user_lower;
	uint64_t id = (uint64_t)(t - c->tags) | CR3_USER;

	if (r->generation <= *seen)
		return;
	if (BUG(SKIP_USER_FLUSH) || (BUG(NOTE_BOTH_ROOTS) && !r->private)) {
		*seen = r->generation;
	} else if (hw_has_invpcid() && pages_do(r, *seen)) {
		*seen = r->generation;
		for (unsigned i = 0; i < r->n; i++)
			hw_invpcid(INVPCID_ADDRESS, id, r->va[i]);
	} else {
		mark_user_root(t, r->space);
		set_door(c);
	}
}

/* Do what @r asks for.  Without PCIDs each flip out flushes what the user root showed, and an
 * unsplit space has no user root. */
static void answer_for_space(struct tlb_cpu *c, const struct request *r)
{
	bool user = pcid && r->space->split;

	if (c->loaded != r->space)
		return;			/* flushed when it is loaded again */
	if (!r->private)
		answer_for_kernel_root(c, r);
	if (user)
		answer_for_user_root(c, r);
}

static void answer(struct tlb_cpu *c, const struct request *r)
{
	if (r->space)
		answer_for_space(c, r);
	else
		flush_kernel_half(c);
}

static void serve(struct xcall *call)
{
	answer(&states[hw_cpu()], (const struct request *)call);
}

/* --- asking ------------------------------------------------------------------- */

/* Hand @r to the CPUs of the set @targets, and wait for them. */
static void shoot(struct tlb_cpu *c, struct request *r, uint64_t targets)
{
	uint64_t others = targets & ~(1ul << hw_cpu());

	r->call.serve = serve;
	xcall_post(&r->call, others);
	if (targets != others)
		answer(c, r);
	if (!BUG(SKIP_KERNEL_WAIT) || r->space)
		xcall_wait(&r->call);
}

/* @n addresses at @va, no more than TLB_BATCH of them are looked at. */
static void flush(struct tlb_space *s, bool private, const uint64_t *va, unsigned n)
{
	uint64_t *generation = private ? &s->user_generation : &s->generation;
	uint64_t targets = BUG(LOOK_EARLY) ? atomic_read(&s->cpus) : 0;
	struct tlb_cpu *c = &states[hw_cpu()];
	struct request *r = &c->request;

	r->space = s;
	r->private = private;
	r->n = BUG(SKIP_OVERFLOW) && n > TLB_BATCH ? TLB_BATCH : n;
	for (unsigned i = 0; i < n && i < TLB_BATCH; i++)
		r->va[i] = va[i];
	if (BUG(private ? SKIP_USER_GENERATION : SKIP_GENERATION))
		r->generation = *generation + 1;
	else
		r->generation = atomic_increment(generation);
	if (!BUG(LOOK_EARLY))		/* after the generation, which comes after the PTEs */
		targets = atomic_read(&s->cpus);
	shoot(c, r, targets);
}

void tlb_flush_user_pages(struct tlb_space *s, const uint64_t *va, unsigned n)
{
	if (n)
		flush(s, false, va, n);
}

/* Without a user root there is one root, and what is in it the kernel sees too. If the user root
 * was taken away just now, its id is flushed before it is used again, whatever is counted. */
void tlb_flush_private_page(struct tlb_space *s, uint64_t va)
{
	flush(s, s->split, &va, 1);
}

void tlb_flush_kernel_half(void)
{
	struct tlb_cpu *c = &states[hw_cpu()];
	uint64_t targets = BUG(LOOK_EARLY) ? atomic_read(&kernel_cpus) : 0;

	c->request.space = NULL;
	atomic_increment(&kernel_generation);
	if (!BUG(LOOK_EARLY))
		targets = atomic_read(&kernel_cpus);
	shoot(c, &c->request, targets);
}
