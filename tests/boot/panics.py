# SPDX-License-Identifier: MIT
"""panics.py - a broken invariant ends in a report that says enough, in every design."""
import re

from check import DESIGNS, Boot, Check, expect

# inject= value -> what its report must name
FAULTS = {
    "panic": r"",
    "double-free": r"(?i)free",
    "stack-overflow": r"(?i)double fault|#DF|guard",
    "null-call": r"(?i)page fault|#PF|null",
}


def panic_check(design: str, fault: str) -> Check:
    def run() -> None:
        outcome = Boot(f"entry={design} inject={fault}", what=f"panic-{fault}").run()
        expect(outcome, "panic", r"PANIC", rf"\b{re.escape(design)}\b", r"(?i)cr3", r"(?i)last step",
               r"(?i)backtrace", r"[a-z_]\w+\+0x[0-9a-f]+", FAULTS[fault])
    return Check(f"{design}.panic-{fault}", run)


def checks() -> list[Check]:
    return [panic_check(d.name, fault) for d in DESIGNS for fault in FAULTS]
