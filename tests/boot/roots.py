# SPDX-License-Identifier: MIT
"""roots.py - the audit of user roots: what a boot shows against what the host works out, and that
it can fail."""
import re
from collections.abc import Iterator

from check import DESIGNS, Boot, Check, Failed, Outcome, expect, report
from lib import audit
from lib.constants import constants
from lib.elf import Elf, built_kernel

# inject= value -> what each complaint of the audit must say then, and nothing else
# (tests/probe/inject.h)
SPOILS = {
    "audit-extra": r"no page belongs there",
    "audit-writable": r"text at 0x\w+ is writable",
    "audit-global": r"is Global",
    "audit-frame": r"text at 0x\w+ shows frame 0x\w+, not 0x\w+",
}
OTHER_FRAMES = ("0x110000", "0x111000")     # inside the image: right for no page of another kind


def dump(design: str, words: str, what: str) -> Outcome:
    """Processes with threads, all dumped (tests/user/test_audit.c)."""
    outcome = Boot(f"entry={design} tests=test_audit{words}", what=what).run()
    # Of a spoilt root the guest's own check may complain as well, after the test
    # (tests/kernel/invariants.c).
    told = words and re.search(r"^invariant broken: ", outcome.text, re.M)
    return expect(outcome, "fail" if told else "pass", r"^ok 1 - test_audit$",
                  rf"^AUDIT-FACT start {re.escape(design)} ", r"^AUDIT-END 3", r"^AUDIT-END 1")


def foreseen(line: str) -> bool:
    """Would the audit miss this run?  Not of a heap page, nor of a device's: nobody foresees
    those."""
    va, at = int(line.split()[2], 16), constants()
    return not at["HEAP_AREA_BASE"] <= va < at["CPU_ENTRY_AREA_BASE"]


def spoilt(line: str) -> Iterator[str]:
    """@line of the dump with one thing wrong."""
    word, pid, va, pa, pages, rights = line.split()
    if foreseen(line):
        yield ""
    yield " ".join((word, pid, va, OTHER_FRAMES[pa == OTHER_FRAMES[0]], pages, rights))
    for i, letter in enumerate("WXGU"):
        other = rights[:i] + ("-" if rights[i] == letter else letter) + rights[i + 1:]
        yield " ".join((word, pid, va, pa, pages, other))


def must_notice(text: str, elf: Elf) -> int:
    """Every run of one process left out, moved, and with each right reversed: the audit sees it.
    How many ways."""
    tried = 0
    for line in re.findall(r"^AUDIT 2 .*$", text, re.M):
        for wrong in spoilt(line):
            tried += 1
            if not audit.check(text.replace(line, wrong, 1), elf):
                raise Failed(f"the audit does not notice '{wrong}' in place of '{line}'")
    return tried


def clean_check(design: str) -> Check:
    def run() -> str:
        text, elf = dump(design, "", "audit").text, built_kernel()
        if problems := audit.check(text, elf):
            raise Failed(f"{len(problems)} pages are not as they should be", problems[:30])
        return f"and {must_notice(text, elf)} ways to spoil the dump are noticed"
    return Check(f"{design}.audit", run)


def spoiled_check(design: str, spoil: str) -> Check:
    def run() -> str:
        outcome = dump(design, f" inject={spoil}", spoil)
        problems = audit.check(outcome.text, built_kernel())
        if not problems:
            raise Failed("the audit did not notice", report(outcome))
        if strange := [p for p in problems if not re.search(SPOILS[spoil], p)]:
            raise Failed(f"complaints that are not /{SPOILS[spoil]}/", strange[:30])
        return problems[0]
    return Check(f"{design}.{spoil}", run)


def checks() -> list[Check]:
    return [c for d in DESIGNS for c in
            [clean_check(d.name), *(spoiled_check(d.name, s) for s in SPOILS)]]
