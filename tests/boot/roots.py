# SPDX-License-Identifier: MIT
"""roots.py - the audit of user roots: what a boot shows against what the host works out, and that
it can fail.

In a boot of one design all processes have it; in a mixed one there are some of each, and each is
judged by its own.
"""
import re
from collections.abc import Iterator
from contextlib import contextmanager

from check import DESIGNS, EXPOSURE, MIXED, Boot, Check, Failed, Outcome, expect, report
from lib import audit
from lib.auditdump import Dump, Process, Run, parse
from lib.constants import constants
from lib.elf import built_kernel

# inject= value -> what each complaint of the audit must say then, and nothing else
# (tests/probe/inject.h)
SPOILS = {
    "audit-extra": r"no page belongs there",
    "audit-writable": r"text at 0x\w+ is writable",
    "audit-global": r"is Global|the direct map at 0x\w+ has rights GW$",
    "audit-frame": r"text at 0x\w+ shows frame 0x\w+, not 0x\w+",
    "audit-missing": r"CPU 0's mc stack page at 0x\w+ is missing",
    "audit-global-entry-stack": r"CPU 0's [\w-]+ entry stack page at 0x\w+ is Global",
    "audit-global-trampoline": r"trampoline at 0x\w+ (is Global|has rights GW)",
    "audit-other-text": r"no page belongs there",
    "audit-other-idt": r"no page belongs there",
    "audit-other-entry-stack": r"no page belongs there",
}
# In a mixed boot what is wrong in one root only may be told as well as a difference to the others.
DIFFERENCE = r"^processes \d+ and \d+ show different pages at 0x\w+, and one is Global$"

OTHER_FRAMES = (0x110000, 0x111000)     # inside the image: right for no page of another kind


def can_be_spoilt(design: str, spoil: str, mixed: bool) -> bool:
    """Is there such a thing in its root?  On one table, if others run beside it, all there is."""
    exposure = EXPOSURE[design]
    if spoil == "audit-global-entry-stack":
        return exposure["entry_stack"] is not None or mixed and not exposure["split"]
    if spoil == "audit-global-trampoline":
        return exposure["trampolines"] or mixed and not exposure["split"]
    return exposure["split"] or not spoil.startswith("audit-other-")


def dump(words: str, what: str, **boot) -> Outcome:
    """Processes with threads, all dumped (tests/user/test_audit.c)."""
    outcome = Boot(words, what=what, **boot).run()
    # Of a spoilt root the guest's own check may complain as well, after the test
    # (tests/kernel/invariants.c).
    told = "inject=" in words and re.search(r"^invariant broken: ", outcome.text, re.M)
    last = 1 + 2 * len(DESIGNS)
    return expect(outcome, "fail" if told else "pass", r"^ok 1 - test_audit$",
                  r"^AUDIT-FACT start ", rf"^AUDIT-END {last}$", r"^AUDIT-END 1$")


def foreseen(run: Run) -> bool:
    """Would the audit miss this run?  Not of a heap page, nor of a device's, nor of a trampoline
    that may be the pool's: nobody foresees those."""
    at = constants()
    return not (at["HEAP_AREA_BASE"] <= run.va < at["CPU_ENTRY_AREA_BASE"] or
                at["TRAMPOLINE_AREA_BASE"] <= run.va < at["KERNEL_IMAGE_BASE"])


def spoilt(run: Run) -> Iterator[Run]:
    """@run at a wrong frame, and with each right reversed."""
    yield run._replace(pa=OTHER_FRAMES[run.pa == OTHER_FRAMES[0]])
    for letter in "WXGU":
        yield run._replace(rights=run.rights ^ {letter})


@contextmanager
def in_place_of(process: Process, run: Run, others: list[Run]) -> Iterator[None]:
    """Meanwhile @process shows @others where it showed @run."""
    at = process.runs.index(run)
    process.runs[at:at + 1] = others
    try:
        yield
    finally:
        process.runs[at:at + len(others)] = [run]


def must_notice(expected: audit.Expected, pid: int) -> int:
    """Every run of process @pid left out, moved, and with each right reversed: the audit sees it.
    How many ways."""
    tried, process = 0, expected.dump.processes[pid]
    for run in list(process.runs):
        for others in [[]] * foreseen(run) + [[wrong] for wrong in spoilt(run)]:
            tried += 1
            with in_place_of(process, run, others):
                if not audit.check_process(expected, pid):
                    raise Failed(f"the audit does not notice {others} in place of {run}")
    return tried


def must_tell_apart(expected: audit.Expected, pid: int) -> None:
    """The root of process @pid is no other design's."""
    process = expected.dump.processes[pid]
    own = process.design
    for other in (d.name for d in DESIGNS if d.name != own):
        process.design = other
        wrong = audit.check_process(expected, pid)
        process.design = own
        if not wrong:
            raise Failed(f"the root of process {pid}, {own}, passes for {other}'s")


def must_differ(dump: Dump, pid: int, other: int) -> int:
    """Every run of Global pages that processes @pid and @other show, spoilt in @pid: the comparison
    of the two alone sees it.  How many ways."""
    tried, process = 0, dump.processes[pid]
    for run in list(process.runs):
        if "G" not in run.rights or not any(
                r.va <= run.va < r.va + r.pages * audit.PAGE for r in dump.processes[other].runs):
            continue
        for wrong in spoilt(run):
            tried += 1
            with in_place_of(process, run, [wrong]):
                if not audit.check_global({pid: process, other: dump.processes[other]}):
                    raise Failed(f"{wrong} in place of {run} does not differ from the other's")
    if not tried:
        raise Failed(f"processes {pid} and {other} have no Global page in common")
    return tried


def audited(words: str, what: str, **boot) -> tuple[audit.Expected, dict[str, list[int]]]:
    """A boot with which the audit is content; the processes of each design."""
    text, elf = dump(words, what, **boot).text, built_kernel()
    if problems := audit.check(text, elf):
        raise Failed(f"{len(problems)} pages are not as they should be", problems[:30])
    found, pids = parse(text)[0], {}
    for pid, process in sorted(found.processes.items()):
        pids.setdefault(process.design, []).append(pid)
    return audit.Expected(found, elf), pids


def clean_check(design: str) -> Check:
    def run() -> str:
        expected, pids = audited(f"entry={design} tests=test_audit", "audit")
        if set(pids) != {design}:
            raise Failed(f"processes have the designs {', '.join(pids)}")
        return f"and {must_notice(expected, 2)} ways to spoil the dump are noticed"
    return Check(f"{design}.audit", run)


def mixed_check() -> Check:
    """With two CPUs: each has its own entry stack of each design that has one."""
    def run() -> str:
        expected, pids = audited(f"entry={MIXED} tests=mixed-test_audit", "mixed-audit", cpus=2)
        if missing := [d.name for d in DESIGNS if len(pids.get(d.name, [])) < 2]:
            raise Failed(f"fewer than two processes have the design {', '.join(missing)}")
        first = [found[0] for found in pids.values()]
        ways = sum(must_notice(expected, pid) for pid in first)
        for pid in first:
            must_tell_apart(expected, pid)
        differences = sum(must_differ(expected.dump, a, b) for a in first for b in first if a != b)
        return f"and {ways} ways to spoil the dump are noticed, {differences} by comparison"
    return Check("mixed.audit", run)


def check_spoilt(words: str, spoil: str, told: str) -> str:
    """Every complaint about the boot with @words begins with @told, and says what @spoil does."""
    outcome = dump(words, words.split("inject=")[1].replace(":", "-"))
    problems = audit.check(outcome.text, built_kernel())
    if not any(re.search(told, p) for p in problems):
        raise Failed("the audit did not notice", report(outcome))
    if strange := [p for p in problems if not re.search(f"{told}.*({SPOILS[spoil]})", p)
                   and not re.search(DIFFERENCE, p)]:
        raise Failed(f"complaints that are not /{told}.*({SPOILS[spoil]})/", strange[:30])
    return problems[0]


def spoiled_check(name: str, words: str, spoil: str, design: str) -> Check:
    def run() -> str:
        return check_spoilt(words, spoil, rf"^process \d+, {re.escape(design)}: ")
    return Check(name, run)


def mixed_spoils() -> Iterator[Check]:
    """Each mistake once in a design that splits, these in turn, and once in one that does not."""
    turn = 0
    for spoil in SPOILS:
        able = [d.name for d in DESIGNS if can_be_spoilt(d.name, spoil, True)]
        split = [name for name in able if EXPOSURE[name]["split"]]
        turn += 1
        for design in [split[turn % len(split)], *(n for n in able if n not in split)]:
            yield spoiled_check(f"mixed.{spoil}-{design}",
                                f"entry={MIXED} tests=mixed-test_audit inject={spoil}:{design}",
                                spoil, design)


def checks() -> list[Check]:
    found = [mixed_check(), *mixed_spoils()]
    for design in (d.name for d in DESIGNS):
        found.append(clean_check(design))
        found += [spoiled_check(f"{design}.{s}", f"entry={design} tests=test_audit inject={s}", s,
                                design)
                  for s in SPOILS if can_be_spoilt(design, s, False)]
    return found
