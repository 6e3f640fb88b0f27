# SPDX-License-Identifier: MIT
"""panics.py - a broken invariant ends in a report that says enough, in every design, about every CPU."""
import re

from check import DESIGNS, Boot, Check, Failed, Outcome, expect, report

# inject= value -> what its report must name
FAULTS = {
    "panic": r"",
    "double-free": r"(?i)free",
    "stack-overflow": r"(?i)double fault|#DF|guard",
    "null-call": r"(?i)page fault|#PF|null",
    "stray-irq": r"interrupt 254 has no handler",
}


def panic_check(design: str, fault: str) -> Check:
    def run() -> None:
        outcome = Boot(f"entry={design} inject={fault}", what=f"panic-{fault}").run()
        expect(outcome, "panic", r"PANIC", rf"\b{re.escape(design)}\b", r"(?i)cr3", r"(?i)last step",
               r"(?i)backtrace", r"[a-z_]\w+\+0x[0-9a-f]+", FAULTS[fault])
    return Check(f"{design}.panic-{fault}", run)


def expect_states(outcome: Outcome, cpus: int) -> None:
    """One CPU panicked; each of the others said in one piece where it was, in the order of their numbers."""
    expect(outcome, "panic", r"^backtrace:$", r"^  rip [0-9a-f]{16} \w")
    first = re.findall(r"^design \S+, CPU (\d+)$", outcome.text, re.M)
    others = re.findall(r"^CPU (\d+): (?:stopped|panicked)", outcome.text, re.M)
    expected = [str(i) for i in range(cpus) if str(i) not in first]
    if outcome.text.count("PANIC") != 1 or len(first) != 1 or others != expected:
        raise Failed(f"CPU {first} panicked, then CPUs {others} reported", report(outcome))
    if len(re.findall(r"^  thread: \w+", outcome.text, re.M)) != cpus - 1:
        raise Failed("a state is incomplete", report(outcome))


def every_cpu_check(design: str, fault: str, cpus: int, **boot) -> Check:
    name = f"{fault}-{cpus}-cpus" + ("-icount" if boot else "")

    def run() -> None:
        expect_states(Boot(f"entry={design} inject={fault}", cpus=cpus, what=name, **boot).run(), cpus)
    return Check(f"{design}.panic-{name}", run)


def checks() -> list[Check]:
    found = [panic_check(d.name, fault) for d in DESIGNS for fault in FAULTS]
    found += [every_cpu_check(d.name, "panic", 4) for d in DESIGNS]
    last = DESIGNS[-1].name
    found += [every_cpu_check(last, "panic-all", cpus) for cpus in (2, 8)]
    return found + [every_cpu_check(last, "panic-all", 4, icount=True)]
