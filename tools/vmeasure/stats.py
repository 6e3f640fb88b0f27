# SPDX-License-Identifier: MIT
"""Samples out of a serial log, and what is said about them."""
import re

LINE = re.compile(r"^BENCH ([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)((?: -?\d+)+)\s*$")


class BadLine(ValueError):
    """A line that begins like a figure and is none: a garbled log must not pass."""


def parse_bench(log):
    """{benchmark: {metric: [values]}} of the `BENCH <benchmark>.<metric> v v v` lines of @log.

    Several lines with one name append their samples.
    """
    found = {}
    for line in log.splitlines():
        line = line.strip("\r")
        if not line.startswith("BENCH "):
            continue
        m = LINE.match(line)
        if not m:
            raise BadLine("not `BENCH <benchmark>.<metric> <values>`: %r" % line[:120])
        values = [int(v) for v in m.group(3).split()]
        found.setdefault(m.group(1), {}).setdefault(m.group(2), []).extend(values)
    return found


def quantile(values, share):
    """Nearest rank: the smallest sample that at least @share of all do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * share // 1)
    return ordered[max(0, min(len(ordered), int(rank)) - 1)]


def median(values):
    """The lower median, so that it is always a sample (an instruction count stays whole)."""
    return quantile(values, 0.5)


def summary(values):
    """A number for one sample, else {"min", "median", "p99", "max", "n"}."""
    if len(values) == 1:
        return values[0]
    return {"min": min(values), "median": median(values), "p99": quantile(values, 0.99),
            "max": max(values), "n": len(values)}


def typical(value):
    """The one number that stands for a result: a number itself, of a summary the median."""
    return value["median"] if isinstance(value, dict) else value


def summarize(samples):
    """parse_bench()'s lists made summaries."""
    return {bench: {metric: summary(values) for metric, values in metrics.items()}
            for bench, metrics in samples.items()}


def ratios(runs, order, metric="ticks"):
    """{benchmark: {design: ratio}} of @metric against the first design of @order.

    @runs: [(design, parse_bench() of a boot)]. A boot's figure is its median, a design's the
    median over its boots, so that one disturbed boot moves nothing.
    """
    per_boot = {}
    for design, samples in runs:
        for bench, metrics in samples.items():
            if metric in metrics:
                per_boot.setdefault(bench, {}).setdefault(design, []).append(
                    median(metrics[metric]))
    result = {}
    for bench, designs in per_boot.items():
        base = median(designs.get(order[0], [0]))
        if base > 0:
            result[bench] = {d: round(median(designs[d]) / base, 3)
                             for d in order if d in designs}
    return result
