# SPDX-License-Identifier: MIT
"""racing.py - a sample of `make races`: some pairs, at some instructions, in every design; the
seed says which.

Each pair has its rules to keep (docs/testing.md). What is looked at here besides: that X was held
at all, and that the same boot, made twice, says the same.
"""
import re

from check import DESIGNS, Check, Failed
from lib import settings
from lib.designs import Design
from racesweep import boots

PAIRS = 8               # per design
STRIDE = 31
SEED = settings.seed()
REPORT = re.compile(r"RACE|# race|race: |ok|not ok")


def sample_check(design: Design, nth: int) -> Check:
    def run() -> str:
        try:
            swept = boots.sample(design.name, PAIRS, STRIDE, SEED + nth)
        except boots.RaceError as error:
            raise Failed(error.args[0], error.args[1]) from None
        pairs = {f"{x}-{y}": pair for x, ys in swept.pairs.items() for y, pair in ys.items()}
        if len(pairs) < PAIRS:
            raise Failed(f"{len(pairs)} pairs, {PAIRS} were wanted")
        never = [name for name, pair in pairs.items() if not pair.held]
        if never:
            raise Failed("X was never held: " + ", ".join(never))
        return (f"{len(pairs)} pairs, held at {sum(p.held for p in pairs.values())} "
                f"instructions, seed {SEED}")
    return Check(f"{design.name}.races", run)


def repeat_check(design: Design) -> Check:
    def run() -> str:
        try:
            texts = [
                boots.boot(design.name, ["join", "wake", f"s{STRIDE}"], SEED,
                           f"races-again{n}").text for n in range(2)
            ]
        except boots.RaceError as error:
            raise Failed(error.args[0], error.args[1]) from None
        lines = [[x for x in text.splitlines() if REPORT.match(x)] for text in texts]
        if lines[0] != lines[1] or not lines[0]:
            raise Failed("two boots, two results", lines[0] + ["and the other:"] + lines[1])
        return f"{len(lines[0])} lines"
    return Check(f"{design.name}.races-again", run)


def checks() -> list[Check]:
    return [sample_check(d, n) for n, d in enumerate(DESIGNS)] + [repeat_check(DESIGNS[-1])]
