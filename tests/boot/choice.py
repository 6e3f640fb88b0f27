# SPDX-License-Identifier: MIT
"""choice.py - what the console tells of a process that chooses another entry design for its child
(tests/user/test_design.c has the rest)."""
import re

from check import DESIGNS, EXPOSURE, MIXED, Boot, Check, Failed, expect, expect_ktap, report

CHOSEN = (r"^spawn: process \d+ chose the entry design (\S+) for its child (\d+): without "
          r"isolation, it can read all memory$")
SAID = r"^# without isolation: child (\d+)$"        # by the program


def told() -> str:
    """Each child without isolation, once, and no other."""
    outcome = Boot(f"entry={MIXED} tests=test_design", what="choice").run()
    expect_ktap(outcome)
    chosen = re.findall(CHOSEN, outcome.text, re.M)
    children = sorted(pid for _, pid in chosen)
    if any(EXPOSURE[name]["split"] for name, _ in chosen):
        raise Failed("the console tells of a child with isolation", report(outcome))
    if not children or children != sorted(re.findall(SAID, outcome.text, re.M)):
        raise Failed(f"the console tells of {', '.join(children) or 'nobody'}", report(outcome))
    return f"{len(children)} children without isolation"


def refused_check(design: str) -> Check:
    """No choice: what the boot cannot run is told with the reason, and its own needs no word."""
    def run() -> None:
        others = [d.name for d in DESIGNS if d.name != design]
        outcome = Boot(f"entry={design} tests=test_design", what="choice").run()
        expect_ktap(expect(outcome, "pass",
                           *(rf"^spawn: no process can have the entry design {re.escape(name)}: \w"
                             for name in others)))
        if re.search(CHOSEN, outcome.text, re.M):
            raise Failed("the console tells of a choice", report(outcome))
    return Check(f"{design}.choice-is-refused", run)


def checks() -> list[Check]:
    return [Check("mixed.choice-is-told", told),
            *(refused_check(d.name) for d in DESIGNS if not EXPOSURE[d.name]["split"])]
