# SPDX-License-Identifier: MIT
"""races.py - a sample of `make races`: some pairs, at some instructions, in every design; the seed says which.

Each pair has two boots' worth of rules to keep (docs/testing.md); what is checked here besides is that X was held at all,
and that the same run, made twice, says the same.
"""
import random
import re

from check import DESIGNS, Check, Failed
import settings
from designs import Design
from racesweep import boots

PAIRS = 4               # per design
STRIDE = 23
SEED = settings.seed()


def drawn(design: Design) -> list[tuple[str, str]]:
    pairs = boots.pairs(design.name)
    return random.Random(f"{SEED} {design.name}").sample(pairs, PAIRS)


def pair_check(design: Design) -> Check:
    def run() -> str:
        try:
            chosen = drawn(design)
            held = 0
            for x, y in chosen:
                pair = boots.sweep(design.name, x, STRIDE, SEED, y).pairs[x][y]
                if not pair.held:
                    raise Failed(f"{x}, {y}: never held")
                held += pair.held
        except boots.RaceError as error:
            raise Failed(error.args[0], error.args[1]) from None
        return f"held at {held} instructions; " + ", ".join(f"{x}-{y}" for x, y in chosen) + f"; seed {SEED}"
    return Check(f"{design.name}.races", run)


def repeat_check(design: Design) -> Check:
    """The same boot twice: every line is the same."""
    def run() -> str:
        try:
            texts = [boots.boot(design.name, ["join", "wake", f"s{STRIDE}"], SEED, f"races-again{n}").text
                     for n in range(2)]
        except boots.RaceError as error:
            raise Failed(error.args[0], error.args[1]) from None
        lines = [[x for x in text.splitlines() if re.match("RACE|race|# race|ok|not ok", x)] for text in texts]
        if lines[0] != lines[1]:
            raise Failed("two boots, two results", lines[0] + ["and the other:"] + lines[1])
        return f"{len(lines[0])} lines"
    return Check(f"{design.name}.races-again", run)


def checks() -> list[Check]:
    return [pair_check(d) for d in DESIGNS] + [repeat_check(DESIGNS[-1])]
