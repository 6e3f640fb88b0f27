# SPDX-License-Identifier: MIT
"""determinism.py - under icount two ISO boots and a PVH boot give the same figures, bit for bit,
and so does a boot of another design in which the benchmarks are guests.

GRUB hands over at a time of its own choosing, so this fails as soon as a figure depends on
when the kernel was started. What is another for a guest stands in entry/mixed.json, with the
reason.
"""
from check import DESIGNS, Boot, Check, Failed, Outcome, expect, report
from vmeasure import mixed, stats

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


def guest_differs(design: str, own: list[str]) -> None:
    """Fail where a figure is another in a mixed boot, and nothing says why, or the reverse."""
    host = mixed.host(design)
    guest = figures(Boot(f"entry={host} bench=as-{design}-{BENCHMARK}", icount=True,
                         what=f"bench-{design}-as-guest").run())
    values = [stats.parse_bench("\n".join(lines)) for lines in (own, guest)]
    if wrong := list(mixed.differences(*values, mixed.explained().get(design, {}))):
        raise Failed(f"as a guest of {host}: {wrong[0]}", wrong)


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
        guest_differs(design, first)
        return f"{len(first)} lines, 4 boots"
    return Check(f"{design}.same-figures", run)


def checks() -> list[Check]:
    return [determinism_check(d.name) for d in DESIGNS]
