# SPDX-License-Identifier: MIT
"""machines.py - odd machines: each boots right, or says in one line what it lacks and ends with a status of its own.

Under icount one TSC tick is a nanosecond of the machine's own clock, so what the guest takes for ten milliseconds
is ten million ticks, or its clock is wrong.
"""
import re

from check import DESIGNS, Boot, Check, Failed, Outcome, expect, expect_ktap, report

LAST = DESIGNS[-1].name
TEN_MS, TOLERANCE = 10_000_000, 0.005

# name -> (QEMU's words, what the log says of the clock)
CLOCKS = {
    "q35": ([], "PIT channel 2"),
    "pc": (["-M", "pc"], "PIT channel 2"),
    "microvm": (["-M", "microvm"], "PIT channel 0"),
    "no-pit": (["-M", "q35,pit=off"], "the ACPI PM timer"),
    "pc-no-pit": (["-M", "pc,pit=off"], "the ACPI PM timer"),
}


def ticks_of_ten_ms(outcome: Outcome) -> dict[str, int]:
    found = re.search(r"^# 10 ms took (\d+) TSC ticks by the clock, (\d+) by the timer$", outcome.text, re.M)
    if not found:
        raise Failed("the clocks were not compared", report(outcome))
    return {"the clock": int(found[1]), "the timer": int(found[2])}


def clock_check(name: str, machine: list[str], reference: str) -> Check:
    """Both clocks of the guest run at the machine's own rate."""
    def run() -> str:
        outcome = Boot(f"entry={LAST} tests=kernel", icount=True, what=f"clock-{name}", extra=machine,
                       timeout=60).run()
        expect_ktap(outcome)
        ticks = ticks_of_ten_ms(outcome)
        for clock, n in ticks.items():
            if abs(n - TEN_MS) > TOLERANCE * TEN_MS:
                raise Failed(f"10 ms of {clock} are {n / 1_000_000:.3f} ms", report(outcome))
        expect(outcome, "pass", rf"^clock: .*, measured against {re.escape(reference)}$")
        return ", ".join(f"{n} by {clock}" for clock, n in ticks.items())
    return Check(f"machines.clock-{name}", run)


def checks() -> list[Check]:
    return [clock_check(name, *words) for name, words in CLOCKS.items()]
