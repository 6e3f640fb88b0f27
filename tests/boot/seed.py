# SPDX-License-Identifier: MIT
"""seed.py - what a test draws at random can be had again: seed= reaches it, and the boot prints
it."""
import re

from check import DESIGNS, Boot, Check, Failed, expect, report

# its offenders die of the selectors it drew, and the kernel says of which
PROGRAM = "test_abuse_selectors"


def drawn(seed: str, printed: int, what: str) -> list[str]:
    """The selectors that killed somebody in a boot with @seed, in order."""
    line = f"entry={DESIGNS[0].name} tests={PROGRAM} seed={seed}"
    outcome = expect(Boot(line, what=f"seed-{what}").run(), "pass", rf"^# seed {printed}$")
    selectors = re.findall(rf"^kill: process \d+ \({PROGRAM}\).*\(error (\w+)\)", outcome.text,
                           re.M)
    if not selectors:
        raise Failed("no offender died", report(outcome))
    return selectors


def run() -> str:
    first = drawn("0x2a", 42, "hex")
    if drawn("42", 42, "decimal") != first:
        raise Failed("two boots with one seed draw different selectors")
    if drawn("43", 43, "other") == first:
        raise Failed("two boots with different seeds draw the same selectors")
    return f"{len(first)} offenders"


def checks() -> list[Check]:
    return [Check("seed", run)]
