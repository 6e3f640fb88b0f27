# SPDX-License-Identifier: MIT
"""determinism.py - under icount two ISO boots and a PVH boot give the same figures, bit for bit.

GRUB hands over at a time of its own choosing, so this fails as soon as a figure depends on
when the kernel was started.
"""
from check import DESIGNS, Boot, Check, Failed, Outcome, expect, report

BENCHMARK = "all"


def figures(outcome: Outcome) -> list[str]:
    """The BENCH lines of a boot that must have passed."""
    expect(outcome, "pass")
    lines = [line for line in outcome.lines if line.startswith("BENCH ")]
    if not lines:
        raise Failed("no BENCH line", report(outcome))
    return lines


def first_difference(a: list[str], b: list[str]) -> list[str]:
    pairs = [(x, y) for x, y in zip(a, b) if x != y]
    return list(pairs[0]) if pairs else [f"{len(a)} lines", f"{len(b)} lines"]


def determinism_check(design: str) -> Check:
    def run() -> str:
        line = f"entry={design} bench={BENCHMARK}"
        ways = [("pvh", "bench-pvh"), ("iso-bios", "bench-iso-1"), ("iso-bios", "bench-iso-2")]
        first = None
        for mode, what in ways:
            lines = figures(Boot(line, mode=mode, icount=True, what=what).run())
            first = first or lines
            if lines != first:
                raise Failed(f"{what} and {ways[0][1]} differ", first_difference(first, lines))
        return f"{len(first)} lines, 3 boots"
    return Check(f"{design}.same-figures", run)


def checks() -> list[Check]:
    return [determinism_check(d.name) for d in DESIGNS]
