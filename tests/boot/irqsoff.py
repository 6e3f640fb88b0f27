# SPDX-License-Identifier: MIT
"""irqsoff.py - the longest stretch with interrupts off: the watch is right, and every system
call has a figure, none above the bar that `make compare` asks of all designs (entry/bars.json).
"""
import json
import re

from check import DESIGNS, ROOT, Boot, Check, Failed, expect, report
from lib.constants import constants

LAST = DESIGNS[-1].name     # `make compare` has them all
PERIOD = 500                # tests/probe/irqsoff.h: no figure is below it


def calls() -> set[str]:
    """The system calls' names, and what else there is a case of."""
    names = [name for name in constants() if name.startswith("SYS_")]
    return {name.removeprefix("SYS_") for name in names} | {"fault"}


def bar(design: str) -> int:
    """What no program exceeds: `make compare` asks it of all designs."""
    bars = json.loads((ROOT / "entry" / "bars.json").read_text())["bars"]
    return next(b["at_most"] for b in bars
                if (b["design"], b["benchmark"]) == (design, "irqs_off"))


def figures_check(design: str, what: str = "irqs-off", **boot) -> Check:
    def run() -> str:
        outcome = expect(
            Boot(f"entry={design} bench=irqs_off", icount=True, what=what, **boot).run(), "pass")
        found = {
            name: int(value)
            for name, value in re.findall(r"^BENCH irqs_off\.(\w+) (\d+)$", outcome.text, re.M)
        }
        if set(found) != calls():
            raise Failed(f"figures for {sorted(found)}, not for {sorted(calls())}", report(outcome))
        if low := [name for name, value in found.items() if value < PERIOD]:
            raise Failed(f"below the watch's period: {', '.join(low)}", report(outcome))
        worst = max(found, key=found.get)
        if found[worst] > bar(design):
            raise Failed(f"{found[worst]} instructions in {worst}, {bar(design)} are allowed",
                         report(outcome))
        return f"at most {found[worst]} instructions, in {worst}"
    return Check(f"{design}.{what}", run)


def watch_check(design: str) -> Check:
    """Where the TSC counts no instructions the known lengths are not found, and that is told."""
    def run() -> None:
        expect(Boot(f"entry={design} bench=irqs_off", what="irqs-off-plain").run(), "fail",
               r"^irqs_off: interrupts were off for \d+ instructions, the watch says \d+")
    return Check(f"{design}.irqs-off-plain", run)


def checks() -> list[Check]:
    # Lines go to a text screen too there.
    screen = figures_check(LAST, "irqs-off-screen", mode="iso-bios")
    return [figures_check(LAST), screen, watch_check(LAST)]
