# SPDX-License-Identifier: MIT
"""outcome.py - how a boot ended: QEMU's status and the serial text, and what they say together."""
import re
from dataclasses import dataclass, field
from pathlib import Path

# isa-debug-exit turns the kernel's code n (kernel/abi.h, EXIT_*) into status 2n+1.  A triple fault,
# an ACPI power-off and a signal from outside give 0, so 0 is never a pass.
VERDICTS = {33: "pass", 35: "fail", 37: "panic", 39: "usage", None: "timeout"}
EXIT_STATUS = {name: status for status, name in VERDICTS.items()}


@dataclass
class Outcome:
    """How a boot ended: QEMU's status (None: it hung and was stopped) and the serial text."""
    status: int | None
    log: Path
    seconds: float
    stderr: str = ""
    reached: bool = False       # Boot.until was seen, and the machine was stopped there
    # of a boot that hung: its CPUs, and what each thread waits for
    state: list[str] = field(default_factory=list)
    text: str = field(init=False)

    def __post_init__(self) -> None:
        raw = self.log.read_bytes().decode("utf-8", "replace") if self.log.exists() else ""
        # Firmware and GRUB draw; what is left without that is lines.
        self.text = re.sub(r"\x1b\[[0-9;?=]*[A-Za-z]", "", raw).replace("\r", "")

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def exit_code(self) -> int | None:
        """n of the last line `EXIT n`, None when the kernel did not end in order."""
        last = next((l for l in reversed(self.lines) if l.strip()), "")
        found = re.fullmatch(r"EXIT (\d+)\s*", last)
        return int(found[1]) if found else None

    @property
    def verdict(self) -> str:
        """pass, fail, panic, usage, timeout, reached, or "died"; the status must agree with the
        last line."""
        if self.reached:
            return "reached"
        verdict = VERDICTS.get(self.status, "died")
        if verdict in ("timeout", "died") or self.exit_code == self.status >> 1:
            return verdict
        return "died"

    def describe(self) -> str:
        """One line for people: the verdict, and what it rests on."""
        if self.reached:
            return "reached: stopped at the marker"
        if self.status is None:
            return f"timeout: no end after {self.seconds:.0f} s"
        said = f"EXIT {self.exit_code}" if self.exit_code is not None else "no EXIT line"
        # QEMU then ends in order, with status 0
        killed = re.search(r"terminating on signal .*", self.stderr)
        hint = (f" ({killed[0]})" if killed else
                " (a triple fault or a power-off)" if self.status == 0 else "")
        return f"{self.verdict}: QEMU status {self.status}{hint}, {said}"

    def tail(self, n: int = 30) -> list[str]:
        """The end of what it said, and where it hung."""
        return (self.lines + self.stderr.splitlines())[-n:] + self.state


def ktap(lines: list[str]) -> tuple[list[tuple[bool, str]], str]:
    """The results of a KTAP text as (ok, name), and what is wrong with its shape ("" when nothing).
    Only unindented lines are counted against the plan; a nested "not ok" shows in its parent."""
    plan, results = None, []
    for line in lines:
        if found := re.match(r"1\.\.(\d+)", line):
            plan = int(found[1])
        elif found := re.match(r"(not )?ok (\d+)\s*-?\s*(.*)", line):
            if int(found[2]) != len(results) + 1:
                return results, f"result {found[2]} follows result {len(results)}: {line}"
            results.append((not found[1], found[3]))
    if plan is None:
        return results, "no plan (1..N)"
    if plan == 0:
        return results, "the plan is 1..0: no test ran"
    return results, "" if plan == len(results) else f"plan 1..{plan}, but {len(results)} results"
