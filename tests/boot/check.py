# SPDX-License-Identifier: MIT
"""check.py - what the modules of the boot matrix share.

A module here offers checks() -> list of Check.  A check's function returns None or a short
remark, or raises Failed (with lines for the report) or Skipped.  Nothing in it waits for a
time: time-outs only detect hangs.
"""
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable, Iterator

from lib import paths
from lib.boots import Boot, gdb_socket
from lib.designs import Design, designs, exposures
from lib.gdb import GdbError
from lib.gdbboot import GdbBoot
from lib.outcome import EXIT_STATUS, Outcome, ktap
from lib.paths import ROOT

DESIGNS = designs()
EXPOSURE = exposures()
# entry= of a boot in which processes of all designs may run
MIXED = next(d.name for d in DESIGNS if EXPOSURE[d.name]["split"])
ANY_DESIGN = "|".join(re.escape(d.name) for d in DESIGNS)
WELCOME = "init sleeps now"         # the last line of a boot without tests= and bench=


class Failed(Exception):
    """@why in one line; @detail is shown below it."""

    def __init__(self, why: str, detail: list[str] = ()):
        super().__init__(why)
        self.detail = list(detail)


class Skipped(Exception):
    """The check cannot run here; the reason is shown."""


@dataclass(frozen=True)
class Check:
    name: str                           # dotted, design first where there is one
    run: Callable[[], str | None]


def expect(outcome: Outcome, verdict: str, *patterns: str) -> Outcome:
    """Fail unless the boot ended with @verdict and its text holds every pattern."""
    if outcome.verdict != verdict:
        status = f" (status {EXIT_STATUS[verdict]})" if verdict in EXIT_STATUS else ""
        raise Failed(f"{outcome.describe()}; expected {verdict}{status}", report(outcome))
    for pattern in patterns:
        if not re.search(pattern, outcome.text, re.M):
            raise Failed(f"the log does not contain /{pattern}/", report(outcome))
    return outcome


def expect_ktap(outcome: Outcome) -> str:
    """Fail unless the boot passed and its KTAP is complete and all ok.  Returns a remark."""
    results, wrong = ktap(outcome.lines)
    failed = [name for ok, name in results if not ok]
    if failed:
        raise Failed("failed in the guest: " + ", ".join(failed), report(outcome))
    expect(outcome, "pass")
    if wrong:
        raise Failed(f"KTAP: {wrong}", report(outcome))
    return f"{len(results)} tests in {outcome.seconds:.1f} s"


def report(outcome: Outcome) -> list[str]:
    """The end of the log, as every failed boot shows it."""
    try:
        log = outcome.log.resolve().relative_to(ROOT)
    except ValueError:
        log = outcome.log
    return [f"{log}, last lines:"] + outcome.tail(30)


@contextmanager
def under_gdb(design: Design, words: str, what: str, **machine) -> Iterator[GdbBoot]:
    """A boot of @design with @words on its command line, under the gdb stub; @machine: more of
    Boot's words.  Failed, with the end of its log, where the guest does not do what is waited for.
    It passes when it ends by itself: finish()."""
    log = paths.build() / "log" / f"{design.name}-{machine.get('cpus', 1)}-icount-{what}.log"
    try:
        with GdbBoot(paths.build(), f"entry={design.name} {words}", log, **machine) as boot:
            try:
                yield boot
            except GdbError as error:
                said = log.read_text(errors="replace").splitlines()[-20:]
                raise Failed(str(error), said + ["where it is:"] + boot.examine()) from None
    except GdbError as error:
        raise Failed(str(error)) from None      # QEMU did not start


def finish(boot: GdbBoot) -> None:
    """Nothing more is wanted of it: its tests go on to their end, and pass."""
    boot.gdb.resume_or_end()
    boot.expect_pass()


def cross() -> str:
    """The kernel's toolchain prefix, as the Makefile chose it."""
    return os.environ.get("CROSS_COMPILE", "")
