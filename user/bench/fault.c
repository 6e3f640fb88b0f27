/* SPDX-License-Identifier: MIT */
/* fault.c - exceptions from user mode: first touch of fresh memory, and an undefined instruction
 * that is skipped. */
#include "bench.h"
#include "tests/probe/abi.h"

#define PAGES 64
#define PAGE 4096
#define EXCEPTIONS 500

/* Ticks for one write to each of @n pages; a function, so that the first and the second touch run
 * the same code. */
static __attribute__((noinline)) uint64_t touch(volatile char *page, size_t n)
{
	uint64_t start = rdtsc();

	for (size_t i = 0; i < n; i++)
		page[i * PAGE] = 1;
	return rdtsc() - start;
}

/* Fresh memory whose page table is there already: a page in front of it was touched. */
static char *fresh_pages(size_t n)
{
	char *memory = map_memory((n + 1) * PAGE, PROT_WRITE);

	if (!memory)
		sys_exit(1);
	touch(memory, 1);
	return memory + PAGE;
}

static void give_back(char *pages, size_t n)
{
	sys_unmap((uintptr_t)pages - PAGE, (n + 1) * PAGE);
}

void measure_page_fault(void)
{
	char *pages = fresh_pages(PAGES);

	touch(pages, PAGES);
	give_back(pages, PAGES);

	pages = fresh_pages(PAGES);

	uint64_t first = touch(pages, PAGES);

	report_per_operation("page_fault.instructions", first, touch(pages, PAGES), PAGES);
	give_back(pages, PAGES);
}

void trace_page_fault(void)
{
	char *pages = fresh_pages(TRACE_WARMUP + 1);

	touch(pages, TRACE_WARMUP);

	volatile char *next = pages + TRACE_WARMUP * PAGE;

	trace_begin("page_fault");
	*next = 1;
	trace_end();
	give_back(pages, TRACE_WARMUP + 1);
}

static uint64_t undefined_with(uint64_t n)
{
	return LOOP_TICKS(n, "ud2" : : : "memory");
}

static uint64_t undefined_without(uint64_t n)
{
	return LOOP_TICKS(n, "" : : : "memory");
}

void measure_exception(void)
{
	control(BENCH_SKIP_UD, 1);
	undefined_with(TRACE_WARMUP);
	report_per_operation("exception.instructions", undefined_with(EXCEPTIONS),
			     undefined_without(EXCEPTIONS), EXCEPTIONS);
	control(BENCH_SKIP_UD, 0);
}

void trace_exception(void)
{
	control(BENCH_SKIP_UD, 1);
	undefined_with(TRACE_WARMUP);
	trace_begin("exception");
	__asm__ volatile("ud2" : : : "memory");
	trace_end();
	control(BENCH_SKIP_UD, 0);
}
