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
	return half_word(c, loaded(c)->split, keep);
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

/* Nothing that the TLB holds under the user half's id counts from the next flip out on. Without
 * PCID that is always so, and without a user root there is no such id. */
static void flush_user_half(struct tlb_cpu *c)
{
	if (!pcid || !loaded(c)->split || BUG(SKIP_USER_FLUSH))
		return;
	c->tag->user_due = true;
	set_door(c);
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

/* The tag that space @id has on this CPU, or had and still has, or gets from the space that got one
 * longest ago. */
static struct tag *find_tag(struct tlb_cpu *c, uint64_t id)
{
	struct tag *t;

	for (t = &c->tags[1]; t < &c->tags[TAGS]; t++)
		if (t->space == id)
			return t;
	do {	/* NMIs still load the root that is being left, under its own id */
		t = &c->tags[1 + c->next_victim++ % (TAGS - 1)];
	} while (t == c->tag);
	if (BUG(SKIP_RECYCLED_FLUSH) && t->space)
		t->space = id;
	else
		*t = (struct tag){ .space = id };
	return t;
}

/* Bring this CPU's tag up to what @s says. True when the kernel root's load must flush; without
 * PCIDs each does. */
static bool catch_up(struct tlb_cpu *c, const struct tlb_space *s)
{
	uint64_t generation = atomic_read(&s->generation);
	uint64_t user_generation = atomic_read(&s->user_generation);
	struct tag *t = c->tag;
	bool behind = pcid && t->generation != generation;

	if (pcid && (behind || t->user_generation != user_generation) && s->split &&
	    !BUG(SKIP_DEFERRED_USER))
		t->user_due = true;
	t->generation = generation;
	t->user_generation = user_generation;
	return behind && !BUG(SKIP_LOAD_FLUSH);
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
	if (s && pcid)
		c->tag = find_tag(c, s->id);
	else
		c->tag = &c->tags[s != NULL];	/* the load flushes what the tag said of another
						 * space */
	if (s)
		flush = catch_up(c, s);
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

static void flush_page(struct tlb_cpu *c, const struct request *r, uint64_t va)
{
	if (!r->private && !BUG(SKIP_FLUSH))
		hw_invlpg(va);			/* the kernel root's */
	if (!hw_has_invpcid())
		flush_user_half(c);
	else if (pcid && loaded(c)->split && !BUG(SKIP_USER_FLUSH))
		hw_invpcid(INVPCID_ADDRESS, (uint64_t)(c->tag - c->tags) | CR3_USER, va);
}

static void flush_space(struct tlb_cpu *c, const struct request *r)
{
	if (!r->private && !BUG(SKIP_FLUSH))
		hw_write_cr3(kernel_word(c, false));
	flush_user_half(c);
}

/*
 * Do what @r asks for.  Pages are enough only when the tag lacks this generation and no other: a
 * request that came between may still be on its way, and whoever skips it must flush everything.
 * Then all that was unmapped before the generation was read is gone, so it is read first.
 */
static void answer_for_space(struct tlb_cpu *c, const struct request *r)
{
	const struct tlb_space *s = r->space;
	uint64_t *seen = r->private ? &c->tag->user_generation : &c->tag->generation;
	unsigned n = r->n;

	if (c->loaded != s || r->generation <= *seen)
		return;			/* flushed when it is loaded again, or flushed since */
	if (n <= TLB_BATCH && (r->generation == *seen + 1 || BUG(SKIP_GAP))) {
		*seen = r->generation;
		for (unsigned i = 0; i < n; i++)
			flush_page(c, r, r->va[i]);
	} else {
		*seen = atomic_read(r->private ? &s->user_generation : &s->generation);
		flush_space(c, r);
	}
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

/* Without a user root there is one root, and what is in it the kernel sees too. */
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
