#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""fuzz.py - random and half-right system calls from many threads, in every design: `make fuzz`.

Environment: N= system calls per design (100 million), SEED= (1), ENTRY= one design (all of the registry), CPUS= (4),
ICOUNT=1 for a run that counts instructions: the same seed then makes the same calls at the same instructions, on one
host thread.  BRANCHES= calls whose way through the kernel is followed, in a run of its own (5000; 0: none).

Prints the guest's progress as it comes, a line per design, and as the last line `N passed, N failed`.
A run that fails says with which command it is repeated.
"""
import sys
import threading
import time
from pathlib import Path

from lib import branches, settings
from lib.boots import Boot
from lib.designs import designs
from lib.outcome import Outcome

CALLS, MOST_CALLS, MOST_CPUS = 100_000_000, 10**12, 64
SAMPLE = 5000
SETTLING, SLOWEST = 600, 2000           # seconds, and calls in one, of the slowest host: both only detect hangs


def boot(design: str, calls: int, seed: int, cpus: int, icount: bool) -> Boot:
    return Boot(cmdline=f"entry={design} tests=fuzz-{calls} seed={seed}", cpus=cpus, icount=icount,
                what=f"fuzz-{seed}", timeout=SETTLING + calls / SLOWEST)


def follow(log: Path, done: threading.Event) -> None:
    """Print the fuzzer's lines of @log while they are written."""
    shown = 0
    while not done.wait(2):
        text = log.read_text(errors="replace") if log.exists() else ""
        lines = [x for x in text.splitlines(keepends=True) if x.startswith("fuzz:") and x.endswith("\n")]
        for line in lines[shown:]:
            print("#", line.rstrip(), flush=True)
        shown = len(lines)


def summary(outcome: Outcome) -> str:
    found = [x for x in outcome.lines if x.startswith("fuzz: seed")]
    return found[-1][len("fuzz: "):] if found else outcome.describe()


def repeat(design: str, calls: int, seed: int, cpus: int, icount: bool) -> str:
    """The command that makes the same calls again."""
    return (f"make fuzz SEED={seed} N={calls} ENTRY={design} CPUS={cpus}" + (" ICOUNT=1" if icount else "")
            + " BRANCHES=0")


def run(design: str, calls: int, seed: int, cpus: int, icount: bool) -> bool:
    machine, done, start = boot(design, calls, seed, cpus, icount), threading.Event(), time.monotonic()
    machine.log.unlink(missing_ok=True)
    follower = threading.Thread(target=follow, args=(machine.log, done))
    follower.start()
    try:
        outcome = machine.run()
    finally:
        done.set()
        follower.join()
    good = outcome.verdict == "pass"
    print(f"{'ok' if good else 'not ok'} - {design}: {summary(outcome)} ({time.monotonic() - start:.0f} s)", flush=True)
    if not good:
        print("".join(f"# {x}\n" for x in outcome.tail(30)) + f"# seed {seed}; again: "
              + repeat(design, calls, seed, cpus, icount), flush=True)
    return good


def main() -> int:
    cpus, seed = settings.number("CPUS", 4, 1, MOST_CPUS), settings.seed()
    calls, sample = settings.number("N", CALLS, 1, MOST_CALLS), settings.number("BRANCHES", SAMPLE, 0, MOST_CALLS)
    icount = settings.yes("ICOUNT")
    chosen = [d.name for d in designs() if settings.given("ENTRY") in ("", d.name)]
    if not chosen:
        settings.refuse("ENTRY", f"no such design. Valid: {', '.join(d.name for d in designs())}")
    results = [run(design, calls, seed, cpus, icount) for design in chosen]
    if sample:
        results.append(branches.report(boot(chosen[-1], sample, seed, cpus, icount=True), sample))
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
