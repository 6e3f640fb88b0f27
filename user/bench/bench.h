/* SPDX-License-Identifier: MIT */
/*
 * bench.h - the benchmarks of bench=.
 *
 * Time is the TSC: under -icount one tick is one instruction and every figure
 * is exact; elsewhere the same lines are ticks, and the host knows which.
 * Only differences are reported, so that nothing depends on the time of boot.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/x86.h"
#include "trace.h"
#include "user.h"

#define TRACE_WARMUP 3		/* operations before the traced one: tables and caches are filled */

#define IN_ALL		1
#define IN_TURNS	2

struct benchmark {
	const char *name;
	void (*measure)(void);	/* timer stopped; reports its metrics */
	void (*trace)(void);	/* the operation once between trace_begin() and trace_end(); may
				 * be NULL */
	unsigned runs;		/* IN_ALL: bench=all; IN_TURNS: bench=turns */
};

extern const struct benchmark benchmarks[];
extern const size_t benchmark_count;

/* TSC ticks of @n passes of a loop around one asm statement. Two loops with the same operands
 * and clobbers but another text differ by exactly that text: the compiler does not look inside. */
#define LOOP_TICKS(n, ...)						\
	({								\
		uint64_t start_ = rdtsc();				\
		for (uint64_t i_ = 0; i_ < (n); i_++)			\
			__asm__ volatile(__VA_ARGS__);			\
		rdtsc() - start_;					\
	})

/* `BENCH <name> v v v ...`; more than one line holds is split over several. */
void report(const char *name, const uint64_t *values, size_t n);
void report_value(const char *name, uint64_t value);
/* The loop with the operation minus the same loop without it, per operation, rounded. */
void report_per_operation(const char *name, uint64_t with, uint64_t without, uint64_t n);

/* bench_control(), which must succeed: ends the program when the kernel refuses. */
uint64_t control(unsigned op, uint64_t arg);

void measure_null(void);
void trace_null(void);
void measure_copy64(void);
void trace_copy64(void);
void measure_latency(void);

void measure_irq_user(void);
void trace_irq_user(void);
void measure_irq_kernel(void);
void trace_irq_kernel(void);

void measure_page_fault(void);
void trace_page_fault(void);
void measure_exception(void);
void trace_exception(void);

void measure_sleep(void);
void trace_sleep(void);
void measure_switch_thread(void);
void trace_switch_thread(void);
void measure_switch_process(void);
void trace_switch_process(void);
void measure_switch_design(void);
void peer_main(const char *arg);	/* the other process of context_switch_process,
					 * context_switch_design */
void measure_thread_create(void);
void trace_thread_create(void);
void measure_thread_create_smp(void);
/* One thread_create_exit, and the stack for it, which is mapped once. */
void create_and_join(unsigned long stack);
unsigned long one_stack(void);

/* The longest stretches with interrupts off, and whether @arg is about one of them and is done. */
void measure_irqs_off(void);
bool irqs_off_main(const char *arg);

/* Those with IN_TURNS, by each design in turn; the exit code. */
int run_turns(void);

void measure_memory(void);
void measure_exposure(void);

#endif
